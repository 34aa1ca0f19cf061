package score

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// sample is an item as lm-eval logs it (--log_samples): arguments are pairs of context and continuation, a list or, since 0.4.5, an
// object of gen_args_N with arg_0 and arg_1; target is the index of the right pair, if there are several.
func (r Reader) sample(l line) (Item, error) {
	item := Item{ID: l.ID, Kind: Choice, Gold: -1}
	pairs, err := pairsOf(l.Arguments)
	if err != nil {
		return item, err
	}
	for i, pair := range pairs {
		part, err := r.pair(pair[0], pair[1])
		if err != nil {
			return item, fmt.Errorf("arguments %d: %w", i, err)
		}
		item.Parts = append(item.Parts, part)
	}
	if len(pairs) == 1 {
		item.Kind = Continuation
		return item, nil
	}
	gold, err := strconv.Atoi(strings.Trim(string(l.Target), `"`))
	if err == nil && gold >= 0 && gold < len(pairs) {
		item.Gold = gold
	}
	return item, nil
}

func pairsOf(raw json.RawMessage) (pairs [][2]json.RawMessage, err error) {
	var list [][]json.RawMessage
	var named map[string]map[string]json.RawMessage
	if json.Unmarshal(raw, &list) != nil && json.Unmarshal(raw, &named) != nil {
		return nil, fmt.Errorf("arguments are neither a list of pairs nor gen_args_N with arg_0 and arg_1")
	}
	for i := range named {
		args := named[fmt.Sprint("gen_args_", len(list))]
		if args == nil {
			return nil, fmt.Errorf("arguments have %s, and no gen_args_%d", i, len(list))
		}
		list = append(list, []json.RawMessage{args["arg_0"], args["arg_1"]})
	}
	for i, l := range list {
		if len(l) != 2 || l[0] == nil || l[1] == nil {
			return nil, fmt.Errorf("arguments %d: want a context and a continuation", i)
		}
		pairs = append(pairs, [2]json.RawMessage{l[0], l[1]})
	}
	if len(pairs) == 0 {
		return nil, fmt.Errorf("no arguments")
	}
	return pairs, nil
}
