package fit

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"muninn/model/decode"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
)

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func lookup(t *testing.T, name string) *decode.Lookup {
	l, err := decode.ParseLookup(name, 4)
	if err != nil {
		t.Fatal(err)
	}
	return &l
}

// randomWish fixes any of the things that can be fixed.
func randomWish(t *testing.T, r *rand.Rand) Wish {
	var w Wish
	if r.IntN(3) == 0 {
		w.Quant = pick(r, &[]format.Type{format.F32, format.F16, format.BF16, format.Q8_0, format.Q4_0}[r.IntN(5)])
	}
	if r.IntN(2) == 0 {
		w.Lookup = lookup(t, pick(r, "full", "latest-m4", "always-last-m4-compress-s16", "compress-anchor", "compress-s4"))
	}
	if r.IntN(2) == 0 {
		w.KV = pick(r, &[]shaders.KVType{shaders.KVF32, shaders.KVF16, shaders.KVQ8}[r.IntN(3)])
	}
	if r.IntN(2) == 0 {
		w.Context = pick(r, 64, 700, 2048, 4096)
		w.ContextFixed = r.IntN(2) == 0
		w.Least = r.IntN(w.Context)
	}
	w.Session.MaxSteps = pick(r, 0, 4, 64)
	return w
}

// What the user set is never changed, whatever the device; and what is suggested instead fits when planned anew.
func TestWishesAndSuggestions(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	failed, suggested := 0, 0
	for range 300 {
		w := randomWish(t, r)
		caps := Card(uint64(2200+r.IntN(12000)) << 20)
		room := roomOf(t, caps)
		choice, err := Choose(huginn, caps, w)
		if err == nil {
			s := choice.Setting
			switch {
			case w.Quant != nil && (s.Quant == nil || *s.Quant != *w.Quant),
				w.Lookup != nil && s.Lookup != *w.Lookup, w.KV != nil && s.KV != *w.KV,
				w.ContextFixed && s.Context != w.Context, s.Context < w.Least, w.Session.MaxSteps > 0 && s.Steps != w.Session.MaxSteps:
				t.Errorf("%+v became %s", w, name(s))
			case choice.Plan.Device > room:
				t.Errorf("%+v: %d bytes in %d", w, choice.Plan.Device, room)
			}
			continue
		}
		failed++
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, ErrDoesNotFit) || e.Plan.Device <= room {
			t.Fatalf("%+v: %v", w, err)
		}
		seen := make(map[string]bool)
		for _, c := range e.Fitting {
			p, err := huginn.Plan(caps, c.Setting, w.Session)
			flags := huginn.Flags(c.Setting)
			if err != nil || p.Device > room || p.Device != c.Plan.Device || seen[flags] || c.Context < w.Least {
				t.Errorf("%+v: %s is suggested: %d bytes in %d (%v)", w, flags, p.Device, room, err)
			}
			if seen[flags] = true; !strings.Contains(e.Error(), flags) {
				t.Errorf("%s is not in the message: %v", flags, e)
			}
		}
		if n := len(e.Fitting); n == 3 {
			suggested++
		} else if room > 2600<<20 && w.Least < 1024 {
			t.Errorf("%+v in %d bytes: %d suggestions: %v", w, room, n, e)
		}
	}
	if failed < 30 || suggested < 20 {
		t.Errorf("%d wishes of 300 did not fit, %d with three suggestions: the test shows little", failed, suggested)
	}
}

func roomOf(t *testing.T, c vk.Caps) uint64 {
	s, err := SpaceOf(c)
	if err != nil {
		t.Fatal(err)
	}
	return s.Room()
}

// A wish that one flag spoils: the suggestions give up one thing each, and the parts are named.
func TestErrorNamesParts(t *testing.T) {
	bf16 := format.BF16
	w := Wish{Quant: &bf16, Lookup: lookup(t, "full"), Context: 4096, ContextFixed: true}
	_, err := Choose(huginn, Card(12<<30), w)
	var e *Error
	if !errors.As(err, &e) || len(e.Fitting) != 3 {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{"core", "adapter", "kv", "--quant bf16 --cache-lookup-strategy latest-m4-compress-s16", "--cache-lookup-strategy full",
		"--ctx 2048 ", "left to the driver"} {
		if !strings.Contains(e.Error(), want) {
			t.Errorf("%q is missing from:\n%v", want, e)
		}
	}
}
