package arch

import (
	"errors"
	"strings"
	"testing"
)

// Nanbeige's form thinks unless it is told not to, and forgets what it thought before the last question.
func TestNanbeigeChat(t *testing.T) {
	const system = "<|im_start|>system\n" + nanbeigeSystem + "<|im_end|>\n"
	talk := []Message{{Role: "user", Content: "a"}, {Role: "assistant", Content: "<think>\n hm \n</think>\n\nb\n"}, {Role: "user", Content: "c"}, {Role: "assistant", Content: "x<think>\ny</think>z"}}
	for _, c := range []struct {
		messages []Message
		o        ChatOptions
		want     string
	}{
		{talk[:1], ChatOptions{}, system + "<|im_start|>user\na<|im_end|>\n"},
		{talk[:1], ChatOptions{Answer: true}, system + "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n<think>\n"},
		{talk[:1], ChatOptions{Answer: true, Thinking: ThinkingOff}, system + "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"},
		{append([]Message{{Role: "system", Content: " s "}}, talk...), ChatOptions{}, "<|im_start|>system\n s <|im_end|>\n<|im_start|>user\na<|im_end|>\n" +
			"<|im_start|>assistant\n<think>\n\n</think>\n\nb<|im_end|>\n<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n<think>\ny\n</think>\n\nz<|im_end|>\n"},
		{talk[:2], ChatOptions{}, system + "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n<think>\nhm\n</think>\n\nb<|im_end|>\n"},
		{[]Message{{Role: "assistant", Content: " b "}}, ChatOptions{}, system + "<|im_start|>assistant\n<think>\n\n</think>\n\n b <|im_end|>\n"},
	} {
		parts, err := nanbeigeForm.Lay(c.messages, c.o)
		if err != nil || written(parts) != c.want {
			t.Errorf("%+v, %+v:\n%s, %v\nwant\n%s", c.messages, c.o, written(parts), err, c.want)
		}
	}
}

// What a form does not have is refused by name.
func TestChatRefuses(t *testing.T) {
	user := []Message{{Role: "user", Content: "a"}}
	for _, c := range []struct {
		form     *ChatForm
		messages []Message
		o        ChatOptions
		want     string
	}{
		{Huginn.Chats[0], user, ChatOptions{Thinking: ThinkingOn}, "thinking: not in this model's chat form (huginn)"},
		{ouroForms[0], user, ChatOptions{Thinking: ThinkingOff}, "thinking: not in"},
		{ouroForms[0], nil, ChatOptions{}, "a chat without a message"},
		{ouroForms[1], user, ChatOptions{Conditions: []string{"cot"}}, `condition "cot": not in this model's chat form (ouro-thinking), which has none`},
		{hrmForm, user, ChatOptions{Conditions: []string{"cot", "fast"}}, `condition "fast": not in this model's chat form (hrm), which has direct, cot, noisy, synth`},
		{hrmForm, append(user, user...), ChatOptions{}, "one question"},
		{hrmForm, append([]Message{{Role: "system", Content: "a"}}, user...), ChatOptions{}, "a system message: not in"},
		{nanbeigeForm, append(user, Message{Role: "system", Content: "b"}), ChatOptions{}, "message 2 of role system"},
		{nanbeigeForm, append(user, Message{Role: "tool", Content: "b"}), ChatOptions{}, "message 2 of role tool"},
	} {
		if _, err := c.form.Lay(c.messages, c.o); !errors.Is(err, ErrChat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// A model's own template tells its form; another is compared with the one that comes closest.
func TestChatFormOfTemplate(t *testing.T) {
	for i, form := range ouroForms {
		for _, template := range []string{form.Template, strings.Replace(form.Template, "loop.first -%}", "loop.first -%}{# Skip #}", 1)} {
			if have, notes := Ouro.ChatForm(map[string][]byte{FileChatTemplate: []byte(template)}); have != form || notes != nil {
				t.Errorf("%s: %s, %q", form.Name, have.Name, notes)
			}
		}
		changed := strings.Replace(form.Template, "'<|im_start|>assistant", "'<|im_start|>bot", 1)
		have, notes := Ouro.ChatForm(map[string][]byte{FileChatTemplate: []byte(changed)})
		if len(notes) != 1 || !strings.Contains(notes[0], `<|im_start|>bot`) || i != 1 && have != form {
			t.Errorf("%s: %s, %q", form.Name, have.Name, notes)
		}
	}
	thinking := strings.Replace(ouroForms[1].Template, "<think>", "<thought>", 1)
	if have, _ := Ouro.ChatForm(map[string][]byte{FileChatTemplate: []byte(thinking)}); have != ouroForms[1] {
		t.Errorf("another mark of thinking: %s", have.Name)
	}
	for family, want := range map[*Family]string{Nanbeige: "its chat template is not the built-in form", HRMText: "other words", Retrofit: ""} {
		form, notes := family.ChatForm(map[string][]byte{FileChatTemplate: []byte("{{ 1 }}")})
		if said := strings.Join(notes, "\n"); (form == nil) != (want == "") || (said == "") != (want == "") || !strings.Contains(said, want) {
			t.Errorf("%s: %q, want %q", family.Name, said, want)
		}
	}
}

// FuzzChatForm: any template gives a form or none, without a panic, and so do conversations of any content.
func FuzzChatForm(f *testing.F) {
	for _, text := range []string{"it's", `"`, "{{ '", "{%- if a -%}+", `a\'b`, huginnTemplate, "<think>a</think><think>", "</think>\n"} {
		f.Add(text, "assistant")
	}
	f.Fuzz(func(t *testing.T, text, role string) {
		for _, family := range Families {
			form, _ := family.ChatForm(map[string][]byte{FileChatTemplate: []byte(text)})
			if form == nil {
				continue
			}
			for _, thinking := range []Thinking{"", ThinkingOff} {
				parts, err := form.Lay([]Message{{Role: "user", Content: text}, {Role: role, Content: text}, {Role: "user", Content: "b"}}, ChatOptions{Answer: true, Thinking: thinking})
				for i, p := range parts {
					if p.Text == "" || i > 0 && !p.Special && !parts[i-1].Special {
						t.Errorf("part %d of %+v, %v", i, parts, err)
					}
				}
			}
		}
	})
}
