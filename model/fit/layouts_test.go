package fit

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"

	"muninn/shaders/format"
	"muninn/vk"
	"muninn/vk/recorded"
)

// layout is a device of vk/testdata/layouts.json, or a recorded one.
func layout(t *testing.T, name string) vk.Caps {
	t.Helper()
	b, err := os.ReadFile("../../vk/testdata/layouts.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []json.RawMessage
	err = json.Unmarshal(b, &list)
	for _, text := range list {
		var is struct{ Name, Like string }
		if err = errors.Join(err, json.Unmarshal(text, &is)); is.Name != name {
			continue
		}
		c, notThere := recorded.Find(is.Like)
		types := c.MemoryTypes
		c.Heaps, c.MemoryTypes = nil, nil
		if err = errors.Join(err, notThere, json.Unmarshal(text, &c)); c.MemoryTypes == nil {
			c.MemoryTypes = types
		}
		if err == nil {
			return c
		}
	}
	c, notThere := recorded.Find(name)
	if err = errors.Join(err, notThere); err != nil {
		t.Fatal(err)
	}
	return c
}

// What a plan for the published model in q4_0 says of every layout: cache and context, and how many MiB of which heap.
func TestPlansOfEveryLayout(t *testing.T) {
	q4 := format.Q4_0
	for _, c := range []struct{ name, want string }{
		{"Ryzen APU on Windows, 256 MiB", "latest-m4-compress-s16 f16 4096: 3800 of heap 0 178 of heap 1"},
		{"Ryzen APU on Windows, 1 GiB", "latest-m4-compress-s16 f16 4096: 637 of heap 0 3211 of heap 1 178 of heap 2"},
		{"Ryzen APU on Windows, 2 GiB", "latest-m4-compress-s16 f16 4096: 1570 of heap 0 2278 of heap 1 178 of heap 2"},
		{"Ryzen PRO 5850U on Windows, 4 GiB", "latest-m4 f16 4096: 3428 of heap 0 9674 of heap 1 165 of heap 2"},
		{"AMD Radeon(TM) Graphics", "latest-m4 q8 4096: 788 of heap 0 7326 of heap 1"},
		{"Strix Halo on Windows, 96 GiB split", "latest-m4 f16 4096: 2 of heap 1 13228 of heap 2"},
		{"Strix Halo on Windows, 96 GiB", "latest-m4 f16 4096: 2 of heap 0 13228 of heap 1"},
		{"AMD Radeon Graphics (RADV RENOIR)", "latest-m4-compress-s16 f16 4096: 2 of heap 0 3988 of heap 1"},
		{"Vega 8 APU under RADV, 82 GiB of GTT", "latest-m4 f16 4096: 2 of heap 0 13228 of heap 1"},
		{"APU of 4 GiB under RADV", "latest-m4-compress-s8 q8 2048: 767 of heap 0 1712 of heap 1"},
		{"AMD Radeon RX 6600", "latest-m4-compress-s16 f16 4096: 3977 of heap 0 50 of heap 1"},
		{"AMD Radeon RX 6700 XT", "latest-m4 q8 4096: 50 of heap 0 8112 of heap 1"},
		{"RX 580 under RADV, 4 GiB of GTT", "latest-m4-compress-s16 f16 4096: 3988 of heap 0 50 of heap 1"},
		{"a card of 8 GiB under RADV, a budget below zero", "latest-m4-compress-s16 f16 4096: 3988 of heap 1 50 of heap 2"},
		{"NVIDIA GeForce RTX 3060", "latest-m4 q8 4096: 8123 of heap 0 50 of heap 1"},
		{"NVIDIA GeForce RTX 2050", "latest-m4-compress-s16 q8 4096: 3214 of heap 0 50 of heap 1"},
		{"Intel(R) Arc(tm) A770 Graphics (DG2)", "latest-m4 f16 4096: 13228 of heap 0 50 of heap 1"},
		{"Intel(R) Iris(R) Xe Graphics (RPL-U)", "latest-m4-compress-s16 f16 4096: 3990 of heap 0"},
		{"Arc B390 on Windows, a budget above its heap", "latest-m4 f16 4096: 13230 of heap 0"},
		{"Iris Xe, a budget of 0", "latest-m4-compress-s16 f16 4096: 3990 of heap 0"},
		{"Adreno, ranges of 128 MiB", "latest-m4-compress-s8 q8 4096: 2753 of heap 0"},
		{"Apple M2", "latest-m4 q8 4096: 8125 of heap 0"},
	} {
		caps := layout(t, c.name)
		choice, err := Choose(huginn, caps, Wish{Quant: &q4})
		got := "does not fit"
		if err == nil {
			got = fmt.Sprintf("%s %s %d:", choice.Lookup, choice.KV, choice.Context)
			for i, n := range choice.Plan.Heaps {
				if n > 0 {
					got += fmt.Sprintf(" %d of heap %d", n>>20, i)
				}
			}
		}
		if got != c.want {
			t.Errorf("%s: %s; want %s (%v)", c.name, got, c.want, err)
		}
	}
}
