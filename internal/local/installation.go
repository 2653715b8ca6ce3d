package local

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// installation is what a running fleet was started from. The other tools' paths contain a hash of their sources, so only
// Fairlead itself needs one.
type installation struct {
	Tools Tools  `json:"tools"`
	Build string `json:"build"`
	Ports Ports  `json:"ports"`
}

func installationPath(dir string) string { return filepath.Join(dir, "installation.json") }

// installation reads the whole program, some 50 ms: Go touches an unchanged program when it is built again, so its
// time says nothing.
func (f *Fleet) installation() (installation, error) {
	file, err := os.Open(f.Tools.Fairlead)
	if err != nil {
		return installation{}, fmt.Errorf("reading the running program: %w", err)
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return installation{}, fmt.Errorf("reading the running program: %w", err)
	}
	return installation{f.Tools, hex.EncodeToString(sum.Sum(nil)), f.State.Ports}, nil
}

func (i installation) save(dir string) error {
	data, err := json.MarshalIndent(i, "", "  ")
	if err == nil {
		err = os.WriteFile(installationPath(dir), data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("recording the fleet's programs: %w", err)
	}
	return nil
}

func loadInstallation(dir string) (installation, error) {
	var i installation
	data, err := os.ReadFile(installationPath(dir))
	if err == nil {
		err = json.Unmarshal(data, &i)
	}
	if err != nil {
		return i, fmt.Errorf("reading the fleet's programs: %w", err)
	}
	return i, nil
}
