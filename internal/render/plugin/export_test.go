package plugin

import "testing"

// Serve runs a plugin of two shell scripts behind <name>.sock until the test ends; see sidecar.
func Serve(t testing.TB, dir, name, generate, discover string) {
	(&sidecar{t: t, generate: generate, discover: discover}).serve(dir, name)
}

// ServeNothing runs a plugin that never answers.
func ServeNothing(t testing.TB, dir, name string) { listenWithoutAnswer(t, dir, name) }
