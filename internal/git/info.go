package git

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CommitInfo is what people see of a commit.
type CommitInfo struct {
	// Author is "Name <mail>".
	Author string
	// Date is when it was authored; a rebase or cherry-pick keeps it.
	Date time.Time
	// Committed is when it was made as it is, which is what "newest" means.
	Committed time.Time
	// Message is the whole message, subject first.
	Message string
	// Tags are the names of the tags on it, sorted.
	Tags []string
	// Parents are the IDs of its parents; none for a first commit.
	Parents []string
}

// Info describes a commit, given by its full ID. If the mirror doesn't have the commit, it is fetched.
func (r *Repository) Info(ctx context.Context, commit string) (CommitInfo, error) {
	content, err := r.commitObject(ctx, commit)
	if err != nil {
		return CommitInfo{}, err
	}
	refs, err := r.mirrored(ctx)
	if err != nil {
		return CommitInfo{}, fmt.Errorf("describing commit %s: %w", commit, err)
	}
	info := parseCommit(content)
	for name, ref := range refs {
		if tag, ok := strings.CutPrefix(name, "refs/tags/"); ok && ref.commit == commit {
			info.Tags = append(info.Tags, tag)
		}
	}
	slices.Sort(info.Tags)
	return info, nil
}

// parseCommit reads the headers of a commit object. What is malformed stays empty: it is for show.
func parseCommit(content []byte) CommitInfo {
	var info CommitInfo
	header, message, _ := bytes.Cut(content, []byte("\n\n"))
	info.Message = strings.ToValidUTF8(string(bytes.TrimRight(message, "\n")), "?")
	for line := range strings.Lines(string(header)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch name {
		case "parent":
			info.Parents = append(info.Parents, value)
		case "author":
			info.Author, info.Date = parseSignature(value)
		case "committer":
			_, info.Committed = parseSignature(value)
		}
	}
	return info
}

// parseSignature reads "Name <mail> 1700000000 +0100".
func parseSignature(value string) (who string, at time.Time) {
	end := strings.LastIndex(value, ">")
	stamp, zone, _ := strings.Cut(strings.TrimSpace(value[end+1:]), " ")
	if seconds, err := strconv.ParseInt(stamp, 10, 64); err == nil {
		at = time.Unix(seconds, 0).In(parseZone(zone))
	}
	return strings.ToValidUTF8(value[:end+1], "?"), at
}

func parseZone(zone string) *time.Location {
	if at, err := time.Parse("-0700", zone); err == nil {
		_, offset := at.Zone()
		return time.FixedZone("", offset)
	}
	return time.UTC
}
