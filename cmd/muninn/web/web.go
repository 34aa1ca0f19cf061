// Package web holds the page that a server shows: chat with a depth slider, and pictures of what happens inside the model.
//
// It is one document with its style and script inside, made of the files in page, which are written by hand and stay readable. It
// asks the server that it came from, and no other machine; its policy holds it to that.
package web

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"
)

//go:embed page
var files embed.FS

// Handler serves the page at the path /.
func Handler() http.Handler {
	page, policy := document()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(page))
	})
}

// document is the page, and the policy that lets it run its own script and style, and ask its own server.
func document() (page, policy string) {
	style := read("base.css") + read("parts.css")
	b := &bundle{done: map[string]bool{}}
	b.add("main.js")
	script := b.text.String()
	page = strings.NewReplacer("{{style}}", style, "{{script}}", script).Replace(read("index.html"))
	policy = fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; connect-src 'self'; img-src 'self' data: blob:; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'", digest(script), digest(style))
	return page, policy
}

func read(name string) string {
	text, err := files.ReadFile(path.Join("page", name))
	if err != nil {
		panic(err) // the file is in this program, or the page's own files name one that is not
	}
	return string(text)
}

// digest names a script or a style in a policy.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// bundle joins modules: each becomes a function that gives what it exports, after those that it imports.
type bundle struct {
	done map[string]bool
	text strings.Builder
}

var (
	imports = regexp.MustCompile(`(?m)^import (\{.*\}) from "\./(\w+)\.js";$`)
	exports = regexp.MustCompile(`(?m)^export ((?:async )?(?:function\*?|const|class) (\w+))`)
)

func (b *bundle) add(name string) {
	if b.done[name] {
		return
	}
	b.done[name] = true
	text := read(name)
	for _, m := range imports.FindAllStringSubmatch(text, -1) {
		b.add(m[2] + ".js")
	}
	var names []string
	for _, m := range exports.FindAllStringSubmatch(text, -1) {
		names = append(names, m[2])
	}
	text = imports.ReplaceAllString(text, "const $1 = from_$2;")
	text = exports.ReplaceAllString(text, "$1")
	fmt.Fprintf(&b.text, "\nconst from_%s = (() => {\n%sreturn {%s};\n})();\n", strings.TrimSuffix(name, ".js"), text, strings.Join(names, ", "))
}
