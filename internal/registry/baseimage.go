package registry

import (
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// recipe is part of what an image is made from: raise it when the making changes, and images are made anew.
const recipe = "1"

// BaseImages says what base images are made from: a golang image from this machine's Go, and a busybox image from this
// machine's static BusyBox. They are for machines without internet, and say in a label that they aren't the images that
// Docker Hub has under these names. Start from [FindBaseImages].
type BaseImages struct {
	// GOROOT is the folder of the Go distribution; its tools must be static, as those from go.dev are.
	GOROOT string
	// BusyBox is a statically linked busybox.
	BusyBox string
	// Certificates is a file of root certificates in PEM, for Go's module downloads. Empty: none.
	Certificates string
	// Packages of Go's standard library are compiled ahead into the image's build cache. Empty: none.
	Packages []string
}

// certificateFiles are where systems keep their root certificates, as in Go's crypto/x509.
var certificateFiles = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
}

// FindBaseImages looks on this machine for what base images are made from. The error says what to install.
func FindBaseImages(ctx context.Context) (*BaseImages, error) {
	b := BaseImages{Packages: commonPackages}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("finding Go for the golang base image: %w; install Go from https://go.dev/dl", err)
	}
	b.GOROOT = strings.TrimSpace(string(out))
	if b.BusyBox, err = exec.LookPath("busybox"); err != nil {
		return nil, fmt.Errorf("finding BusyBox for the base images: %w; install it with: apt-get install busybox-static", err)
	}
	for _, file := range certificateFiles {
		if _, err := os.Stat(file); err == nil {
			b.Certificates = file
			break
		}
	}
	if err := b.Validate(); err != nil {
		return nil, err
	}
	return &b, nil
}

// Validate tells what can't be used, and what to do about it.
func (b *BaseImages) Validate() error {
	var errs []error
	if _, err := b.goVersion(); err != nil {
		errs = append(errs, err)
	}
	if err := static(b.BusyBox); err != nil {
		errs = append(errs, fmt.Errorf("using BusyBox: %w; install it with: apt-get install busybox-static", err))
	}
	if b.Certificates != "" {
		if _, err := os.Stat(b.Certificates); err != nil {
			errs = append(errs, fmt.Errorf("using root certificates: %w", err))
		}
	}
	return errors.Join(errs...)
}

// static says whether a program runs without shared libraries.
func static(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s isn't statically linked", path)
		}
	}
	return nil
}

var goVersion = regexp.MustCompile(`^go((\d+)\.\d+)(\.\d+|rc\d+|beta\d+)?$`)

// goVersion returns e.g. 1.26.8.
func (b *BaseImages) goVersion() (string, error) {
	data, err := os.ReadFile(filepath.Join(b.GOROOT, "VERSION"))
	if err != nil {
		return "", fmt.Errorf("reading the version of Go: %w", err)
	}
	first, _, _ := strings.Cut(string(data), "\n")
	version := strings.TrimSpace(first)
	if !goVersion.MatchString(version) {
		return "", fmt.Errorf("reading the version of Go: %q in %s/VERSION is no release", version, b.GOROOT)
	}
	return strings.TrimPrefix(version, "go"), nil
}

// versionTags are the tags that mean a version: the version itself, and all that are less exact.
func versionTags(version string) []string {
	tags := []string{version}
	for {
		i := strings.LastIndex(version, ".")
		if i < 0 {
			return append(tags, "latest")
		}
		version = version[:i]
		tags = append(tags, version)
	}
}

var busyBoxBanner = regexp.MustCompile(`^BusyBox v(\d+\.\d+\.\d+)`)

// busyBox asks the program for its version and the places of its applets, such as bin/sh.
func (b *BaseImages) busyBox(ctx context.Context) (version string, applets []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	banner, err := exec.CommandContext(ctx, b.BusyBox).Output()
	if err != nil {
		return "", nil, fmt.Errorf("asking BusyBox for its version: %w", err)
	}
	match := busyBoxBanner.FindSubmatch(banner)
	if match == nil {
		return "", nil, fmt.Errorf("asking BusyBox for its version: %s answers something else", b.BusyBox)
	}
	list, err := exec.CommandContext(ctx, b.BusyBox, "--list-full").Output()
	if err != nil {
		return "", nil, fmt.Errorf("asking BusyBox for its applets: %w", err)
	}
	for _, applet := range strings.Fields(string(list)) {
		if fs.ValidPath(applet) && applet != "bin/busybox" {
			applets = append(applets, applet)
		}
	}
	return string(match[1]), applets, nil
}

// fileHash is the SHA-256 of a file in hex, or of nothing if the path is empty.
func fileHash(path string) (string, error) {
	sum := sha256.New()
	if path != "" {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		if _, err := io.Copy(sum, f); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// inputs is a digest of what the images are made from. Of the Go distribution it takes names, sizes and modes: reading
// 200 MB at every start would tell no more, since releases don't change but by installing another one over them.
func (b *BaseImages) inputs(goFiles []goFile) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, recipe, runtime.GOARCH, b.Packages)
	for _, path := range []string{b.BusyBox, b.Certificates, filepath.Join(b.GOROOT, "VERSION")} {
		h, err := fileHash(path)
		if err != nil {
			return "", fmt.Errorf("reading what base images are made from: %w", err)
		}
		fmt.Fprintln(sum, h)
	}
	for _, f := range goFiles {
		fmt.Fprintln(sum, f.name, f.mode, f.size)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}
