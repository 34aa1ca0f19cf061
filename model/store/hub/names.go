package hub

import (
	"path/filepath"
	"regexp"
	"strings"
)

// Name is a model on a hub at a revision: a branch, a tag or a commit.
type Name struct {
	Repo     string // ORG/NAME
	Revision string // "" means main
	File     string // the GGUF file that is meant, of those that there are; "": the weights that there are
}

// String is ORG/NAME[@REVISION][:FILE].
func (n Name) String() string {
	name := n.Repo
	if n.Revision != "" {
		name += "@" + n.Revision
	}
	if n.File != "" {
		name += ":" + n.File
	}
	return name
}

// revision is the name of the branch, tag or commit.
func (n Name) revision() string {
	if n.Revision == "" {
		return "main"
	}
	return n.Revision
}

var repoForm = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$`)

// ParseName reads ORG/NAME[@REVISION][:FILE.gguf], and tells whether a text is such a name.
func ParseName(text string) (Name, bool) {
	text, file, named := strings.Cut(text, ":")
	if named && (!strings.HasSuffix(file, ".gguf") || strings.Contains(file, "/") || !plain(file)) {
		return Name{}, false
	}
	repo, revision, at := strings.Cut(text, "@")
	if !repoForm.MatchString(repo) || strings.Contains(repo, "--") || strings.Contains(repo, "..") || at && !plain(revision) {
		return Name{}, false
	}
	return Name{repo, revision, file}, true
}

// Forms of what a hub names things by.
var (
	commitForm = regexp.MustCompile(`^[0-9a-f]{40}$`)
	blobForm   = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`) // a git blob's SHA-1, or a SHA-256
	reserved   = regexp.MustCompile(`(?i)^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\.|$)`)
)

// plain tells whether a path that a server gave, with slashes, leads to the same place inside a folder on every system.
func plain(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		odd := func(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(`\:*?"<>|`, r) }
		if part == "" || len(part) > 255 || strings.ContainsFunc(part, odd) || strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") || reserved.MatchString(part) {
			return false
		}
	}
	return filepath.IsLocal(filepath.FromSlash(path))
}
