package cli

import "testing"

func TestRoff(t *testing.T) {
	if got, want := Roff(".a --b\\c\n'd"), "\\&.a \\-\\-b\\ec\n\\&'d"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWrap(t *testing.T) {
	if got, want := Wrap("one two three-is-long four", 10, "  "), "  one two\n  three-is-long\n  four\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Texts with quotes and brackets do not end a quoted word of the script.
func TestCompletionQuotes(t *testing.T) {
	if got, want := zshQuote("the model's [x]: y"), `the model'\''s \[x\]\: y`; got != want {
		t.Errorf("zsh: %s, want %s", got, want)
	}
	if got, want := fishQuote(`the model's \`), `the model\'s \\`; got != want {
		t.Errorf("fish: %s, want %s", got, want)
	}
}
