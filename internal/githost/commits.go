package githost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxCommits is how many commits a webhook lists. A push of more is rare and concerns everything anyway.
const maxCommits = 50

// commit is one commit with the paths it touches against its first parent.
type commit struct {
	ID                       string
	Author, Committer        person
	AuthorDate               time.Time
	Message                  string
	Added, Modified, Removed []string
	// dropped says that a forced push took the commit off the branch.
	dropped bool
}

type person struct{ Name, Email string }

// logFormat gives a commit as 9 fields that end with NUL; git's own -z then ends paths and commits with NUL.
// The first field starts with \x01, which tells a next commit from a status letter.
const logFormat = "--format=%x01%m%x00%H%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%B%x02"

// log lists commits, newest first, at most limit. Revisions are in rev-list's form, one each.
func (r *repository) log(ctx context.Context, limit int, revisions []string) ([]commit, error) {
	out, err := r.host.git(ctx, r.dir, strings.NewReader(strings.Join(revisions, "\n")+"\n"),
		"log", "--stdin", "--ignore-missing", "--left-right", "-z", "-n", strconv.Itoa(limit),
		"--name-status", "--no-renames", "--diff-merges=first-parent", logFormat)
	if err != nil {
		return nil, err
	}
	return parseLog(out)
}

var errLog = errors.New("git log printed what can't be read")

// parseLog reads the output of log.
func parseLog(out []byte) ([]commit, error) {
	var commits []commit
	fields := bytes.Split(out, []byte{0})
	for len(fields) > 0 && len(fields[0]) > 0 {
		if len(fields) < 8 || fields[0][0] != 1 {
			return nil, errLog
		}
		text := func(i int) string { return string(fields[i]) }
		date, err := time.Parse(time.RFC3339, text(4))
		if err != nil {
			date = time.Time{} // git prints what a broken commit says; that is no reason to keep quiet about a push
		}
		c := commit{
			dropped: text(0) == "\x01<", ID: text(1), Author: person{text(2), text(3)}, AuthorDate: date,
			Committer: person{text(5), text(6)}, Message: strings.TrimSuffix(text(7), "\x02"),
		}
		fields = fields[8:]
		for len(fields) >= 2 && len(fields[0]) > 0 && fields[0][0] != 1 {
			if err := c.touch(strings.TrimPrefix(string(fields[0]), "\n"), string(fields[1])); err != nil {
				return nil, err
			}
			fields = fields[2:]
		}
		commits = append(commits, c)
	}
	return commits, nil
}

func (c *commit) touch(status, path string) error {
	switch status {
	case "A":
		c.Added = append(c.Added, path)
	case "M", "T": // T: a file became a link, or the reverse
		c.Modified = append(c.Modified, path)
	case "D":
		c.Removed = append(c.Removed, path)
	default:
		return fmt.Errorf("%w: the status %q", errLog, status)
	}
	return nil
}
