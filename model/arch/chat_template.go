package arch

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"muninn/model/internal/strict"
)

var (
	// templateIdle matches what does not change the text: comments, marks around the answer for training, another name for messages.
	templateIdle = regexp.MustCompile(`(?s)\{#.*?#\}|\{%[-+]?\s*(?:(?:end)?generation|set loop_messages = messages)\s*[-+]?%\}`)
	// templateWord matches a word: an edge of a tag, with the white space that it strips, a string, a name, a sign.
	templateWord = regexp.MustCompile(`(?s)\s*\{[{%][-+]?|[-+]?[%}]\}\s*|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\w+|[^\s\w]`)
	memberForm   = regexp.MustCompile(`\.(content|role)\b`)
)

// ChatForm finds the form that the model's own chat template tells, by texts beside the weights, or the one that comes closest to it;
// notes say how they differ. A nil form: the family has none.
func (f *Family) ChatForm(texts map[string][]byte) (form *ChatForm, notes []string) {
	if len(f.Chats) == 0 {
		return nil, nil
	}
	from, template := FileChatTemplate, string(texts[FileChatTemplate])
	if template == "" && texts[FileTokenizerConfig] != nil {
		fields := strict.Lenient(FileTokenizerConfig, texts[FileTokenizerConfig])
		if from, template = FileTokenizerConfig, chatTemplate(fields); fields.Notes != nil {
			return f.Chats[0], fields.Notes
		}
	}
	form = f.Chats[0]
	if template == "" {
		return form, nil
	}
	same, difference := -1, ""
	for _, c := range f.Chats {
		if c.Digest != "" && c.Digest == fmt.Sprintf("%x", sha256.Sum256([]byte(template))) {
			return c, nil
		}
		n, d := templateDifference(template, c.Template)
		if d == "" {
			return c, nil
		}
		if n > same {
			form, same, difference = c, n, d
		}
	}
	if form.Template == "" {
		difference = "it has other words"
	}
	return form, []string{fmt.Sprintf("%s: its chat template is not the built-in form, which --chat uses: %s", from, difference)}
}

// chatTemplate reads chat_template: a text, or a list of named ones of which "default" counts.
func chatTemplate(f *strict.Fields) string {
	_, raw := f.Get("chat_template")
	var named []struct{ Name, Template string }
	if raw == nil || raw[0] != '[' {
		return f.Text("chat_template")
	}
	if err := json.Unmarshal(raw, &named); err != nil {
		f.Fail("chat_template is %s, want a text or a list of named ones", raw)
	}
	for _, t := range named {
		if t.Name == "default" {
			return t.Template
		}
	}
	return ""
}

// templateDifference names the first word in which a template differs from the built-in one, after so many; empty if none does.
func templateDifference(template, builtIn string) (at int, difference string) {
	have, want := templateWords(template), templateWords(builtIn)
	for at < len(have) && at < len(want) && have[at] == want[at] {
		at++
	}
	if at == len(have) && at == len(want) {
		return at, ""
	}
	show := func(words []string) string {
		return strict.ClipTo(60, strings.Join(append(words[at:min(at+6, len(words))], "(its end)")[:min(6, len(words)-at+1)], " "))
	}
	return at, fmt.Sprintf("it has %q where the built-in form has %q", show(have), show(want))
}

func templateWords(template string) []string {
	text := memberForm.ReplaceAllString(templateIdle.ReplaceAllString(template, ""), "['$1']")
	text = strings.ReplaceAll(text, "loop_messages", "messages")
	words := templateWord.FindAllString(text, -1)
	for i, w := range words {
		if len(w) > 1 && (w[0] == '"' || w[0] == '\'') {
			words[i] = "'" + strings.ReplaceAll(w[1:len(w)-1], "\n", `\n`) + "'"
		} else {
			words[i] = strings.Trim(w, " \t\r\n-+")
			if words[i] == "" { // the sign alone
				words[i] = w
			}
		}
	}
	return words
}
