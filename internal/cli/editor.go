package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// edit has the user change a text in an editor ($EDITOR, else vi), and saves it. What the save refuses stands as a comment
// above the text, in another turn of the editor; an unchanged text ends it.
func (r *root) edit(ctx context.Context, pattern string, text []byte, save func([]byte) error) error {
	var complaint error
	for {
		shown := commented(text, complaint)
		changed, err := r.editOnce(ctx, pattern, shown)
		if err != nil {
			return err
		}
		if len(changed) == 0 || bytes.Equal(changed, shown) {
			return errors.Join(errors.New("edit cancelled, no valid changes were saved"), complaint)
		}
		text = uncommented(changed)
		if complaint = save(text); complaint == nil {
			return nil
		}
	}
}

func (r *root) editOnce(ctx context.Context, pattern string, text []byte) ([]byte, error) {
	file, err := os.CreateTemp("", strings.ReplaceAll(pattern, "/", "-")) // 0600
	if err != nil {
		return nil, fmt.Errorf("editing: %w", err)
	}
	defer os.Remove(file.Name()) // nothing needs it any more
	_, err = file.Write(text)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("editing: %w", err)
	}
	editor := strings.Fields(firstOf(os.Getenv("EDITOR"), "vi"))
	cmd := exec.CommandContext(ctx, editor[0], append(editor[1:], file.Name())...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r.streams.In, r.streams.Out, r.streams.Err
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("running the editor %s: %w", editor[0], err)
	}
	changed, err := os.ReadFile(file.Name())
	if err != nil {
		return nil, fmt.Errorf("editing: %w", err)
	}
	return changed, nil
}

func commented(text []byte, complaint error) []byte {
	var out bytes.Buffer
	out.WriteString("# Change the object below; lines that begin with # are left out, and an unchanged text ends the edit.\n")
	if complaint != nil {
		for _, line := range strings.Split(complaint.Error(), "\n") {
			out.WriteString("# " + line + "\n")
		}
	}
	out.Write(text)
	return out.Bytes()
}

func uncommented(text []byte) []byte {
	var kept [][]byte
	for _, line := range bytes.SplitAfter(text, []byte("\n")) {
		if !bytes.HasPrefix(line, []byte("#")) {
			kept = append(kept, line)
		}
	}
	return bytes.Join(kept, nil)
}
