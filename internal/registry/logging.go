package registry

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/sirupsen/logrus"
)

// quietDistribution turns the output of Distribution, which logs to logrus' global logger, to slog's default logger. This is
// once per process, because their logger is.
var quietDistribution = sync.OnceFunc(func() {
	logrus.SetOutput(io.Discard)
	logrus.SetLevel(logrus.WarnLevel) // below that it says what every request asked for
	logrus.AddHook(toSlog{})
})

// toSlog is a logrus hook.
type toSlog struct{}

func (toSlog) Levels() []logrus.Level { return logrus.AllLevels }

func (toSlog) Fire(e *logrus.Entry) error {
	level := slog.LevelWarn
	switch {
	case e.Message == "response completed with error":
		level = slog.LevelDebug // also for each "do you have this blob?" that is answered with no
	case e.Level <= logrus.ErrorLevel:
		level = slog.LevelError
	}
	args := []any{"from", "distribution"}
	for _, key := range []string{"err.code", "err.message", "err.detail", "http.request.method", "http.request.uri", "error"} {
		if value, found := e.Data[key]; found {
			if key == "http.request.uri" {
				value, _, _ = strings.Cut(fmt.Sprint(value), "?") // the query signs an upload
			}
			args = append(args, key, value)
		}
	}
	slog.Log(e.Context, level, e.Message, args...)
	return nil
}
