package main

import (
	"regexp"
	"strconv"
	"strings"
)

// codeBlock is a run of instructions that is left at its end alone, or nearly so: what follows it, by index.
type codeBlock struct {
	instructions int
	next         []int
}

// firstLoop counts the instructions of the first loop in what a driver prints as its assembly: of the first set of blocks each of
// which can be reached from each other. In a product that is the one over a row; what ends it, like writing int8, comes behind. 0: there is
// none, or the driver's form is not known.
//
// longest is the way through the program with the most of them, each loop taken once.
func firstLoop(name, text string) (loop, longest int) {
	var blocks []codeBlock
	switch name {
	case "NAK assembly":
		blocks = nakBlocks(text)
	case "Assembly", "GEN Assembly", "IR3 Assembly":
		blocks = labelBlocks(text)
	}
	if len(blocks) == 0 {
		return 0, 0
	}
	reach := make([][]bool, len(blocks))
	for i := range blocks {
		reach[i] = reachable(blocks, i)
	}
	first := func(i int) int { // block of the loop that one is in
		for j := range i {
			if reach[i][j] && reach[j][i] {
				return j
			}
		}
		return i
	}
	for i := range blocks {
		if reach[i][i] {
			loop = within(blocks, reach, i)
			break
		}
	}
	ways := make([]int, len(blocks)) // the longest from each loop or block on, 0: not known yet
	var way func(i int) int
	way = func(i int) int {
		if i = first(i); ways[i] != 0 {
			return ways[i]
		}
		most := 0
		for j := range blocks {
			if first(j) != i {
				continue
			}
			for _, next := range blocks[j].next {
				if next >= 0 && next < len(blocks) && first(next) != i {
					most = max(most, way(next))
				}
			}
		}
		ways[i] = within(blocks, reach, i) + most
		return ways[i]
	}
	return loop, way(0)
}

// within counts the instructions of a block and of those in a loop with it.
func within(blocks []codeBlock, reach [][]bool, i int) int {
	n := blocks[i].instructions
	for j := range blocks {
		if j != i && reach[i][j] && reach[j][i] {
			n += blocks[j].instructions
		}
	}
	return n
}

// reachable tells which blocks can be come to after one.
func reachable(blocks []codeBlock, from int) []bool {
	seen := make([]bool, len(blocks))
	todo := append([]int(nil), blocks[from].next...)
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if i >= 0 && i < len(blocks) && !seen[i] {
			seen[i] = true
			todo = append(todo, blocks[i].next...)
		}
	}
	return seen
}

var (
	nakHead = regexp.MustCompile(`^block(?:\.u)? (\d+) .*\{$`)
	nakTail = regexp.MustCompile(`^\} -> \[(.*)\]$`)
	label   = regexp.MustCompile(`^(BB\d+|L\d+|l\d+):`)
	target  = regexp.MustCompile(`(?:s_c?branch\w*\s+|[ju]ip:|while \(\d+\)\s+|#)(BB\d+|L\d+|l\d+)`)
	always  = regexp.MustCompile(`^(?:\(\w+\))*(s_branch|jump|s_endpgm)\b`)
)

// nakBlocks reads NVK's, where each block names what follows it.
func nakBlocks(text string) (blocks []codeBlock) {
	var b codeBlock
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if nakHead.MatchString(line) {
			b, inside = codeBlock{}, true
		} else if m := nakTail.FindStringSubmatch(line); m != nil && inside {
			for _, s := range strings.FieldsFunc(m[1], func(r rune) bool { return r == ',' || r == ' ' }) {
				n, err := strconv.Atoi(s)
				if err != nil {
					n = -1
				}
				b.next = append(b.next, n)
			}
			blocks, inside = append(blocks, b), false
		} else if inside && line != "" {
			b.instructions++
		}
	}
	return blocks
}

// labelBlocks reads those of the others, where labels begin blocks and branches end them.
func labelBlocks(text string) (blocks []codeBlock) {
	type open struct {
		codeBlock
		to    []string
		falls bool
	}
	list := []open{{falls: true}}
	names := map[string]int{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if m := label.FindStringSubmatch(line); m != nil {
			list = append(list, open{falls: true})
			names[m[1]] = len(list) - 1
			if line = strings.TrimSpace(line[len(m[0]):]); line == "" {
				continue
			}
		}
		if line == "" || strings.HasPrefix(line, ";") || strings.HasPrefix(line, "@") || strings.HasPrefix(line, "Native code") {
			continue
		}
		last := &list[len(list)-1]
		last.instructions++
		if found := target.FindAllStringSubmatch(line, -1); found != nil {
			for _, m := range found {
				last.to = append(last.to, m[1])
			}
			last.falls = !always.MatchString(line)
			list = append(list, open{falls: true})
		} else if always.MatchString(line) {
			last.falls = false
			list = append(list, open{falls: true})
		}
	}
	for i, o := range list {
		if o.falls && i+1 < len(list) {
			o.next = append(o.next, i+1)
		}
		for _, name := range o.to {
			if at, ok := names[name]; ok {
				o.next = append(o.next, at)
			}
		}
		blocks = append(blocks, o.codeBlock)
	}
	return blocks
}
