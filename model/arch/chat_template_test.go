package arch

import (
	"encoding/json"
	"strings"
	"testing"
)

// Whatever changes no text in Huginn's template is no difference; anything else is named where it begins.
func TestTemplateDifference(t *testing.T) {
	edit := strings.NewReplacer("{% for", "{# a comment #}\n{%- for", "message['role']", "message.role", "'Huginn'", `"Huginn"`,
		"%}{{ end", " -%}\n  {%- generation %}{{ end").Replace(huginnTemplate)
	withLoop := "{% set loop_messages = messages %}" + strings.Replace(huginnTemplate, "in messages", "in loop_messages", 1)
	for _, same := range []string{huginnTemplate, edit, withLoop, strings.ReplaceAll(huginnTemplate, `\n`, "\n")} {
		if _, d := templateDifference(same, huginnTemplate); d != "" {
			t.Errorf("%s\n%s", same, d)
		}
	}
	for old, c := range map[string][2]string{
		"| trim":                     {"", `it has "+ '<|end_turn|>'`},
		"<|end_turn|>":               {"<|im_end|>", `it has "'<|im_end|>'`},
		"Huginn<|end_header|>\\n\\n": {"Huginn<|end_header|>\\n", `'Huginn<|end_header|>\\n' %} {{`},
		"{% for":                     {"{{ 'Be brief.' }}{% for", `it has "{{ 'Be brief.' }} {% for message"`},
		" + start_content":           {" ~ start_content", `it has "~ start_content`},
		"{% else %}{{ '<|end_text|>' }}{% endif %}": {"{% endif %}", `it has "endif %} (its end)" where the built-in form has "else %}`},
	} {
		_, d := templateDifference(strings.Replace(huginnTemplate, old, c[0], 1), huginnTemplate)
		if !strings.Contains(d, c[1]) {
			t.Errorf("%q for %q: %s, want %s", c[0], old, d, c[1])
		}
	}
	if _, d := templateDifference(huginnTemplate+"{{ 1 }}", huginnTemplate); !strings.Contains(d, `"(its end)"`) {
		t.Error(d)
	}
}

func TestChatFormNotes(t *testing.T) {
	config := func(template any) []byte {
		data, err := json.Marshal(map[string]any{"chat_template": template})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	named := []map[string]string{{"name": "tool_use", "template": huginnTemplate}, {"name": "default", "template": "{{ 1 }}"}}
	for name, c := range map[string]struct {
		jinja, config []byte
		want          string
	}{
		"none":                    {nil, nil, ""},
		"none in the config":      {nil, []byte(`{"eos_token":null}`), ""},
		"Huginn's":                {nil, config(huginnTemplate), ""},
		"Huginn's in both":        {[]byte(huginnTemplate), config(huginnTemplate), ""},
		"the file decides":        {[]byte(huginnTemplate), config("{{ 1 }}"), ""},
		"another file":            {[]byte("{{ 1 }}"), config(huginnTemplate), "chat_template.jinja: its chat template is not"},
		"another in the config":   {nil, config("{{ 1 }}"), "tokenizer_config.json: its chat template is not"},
		"another in a list":       {nil, config(named), `it has "{{ 1 }} (its end)"`},
		"a number":                {nil, config(1), "tokenizer_config.json: chat_template is 1, want a string"},
		"a config that is broken": {nil, []byte(`{`), "tokenizer_config.json: the JSON text ends too early; it is passed over"},
	} {
		form, list := Huginn.ChatForm(map[string][]byte{FileChatTemplate: c.jinja, FileTokenizerConfig: c.config})
		if notes := strings.Join(list, "\n"); form != Huginn.Chats[0] ||
			(c.want == "") != (notes == "") || !strings.Contains(notes, c.want) {
			t.Errorf("%s: %q, want %q", name, notes, c.want)
		}
	}
}
