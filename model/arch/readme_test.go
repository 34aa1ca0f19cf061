package arch

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// The README's table of the families says what their published shapes are.
func TestReadmeTable(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var columns []Config
	for _, name := range []string{"huginn", "ouro-1.4b", "hrm-1b", "nanbeige-3b", "llama-1b-r", "olmo-1b-r"} {
		s, err := ParseShape(name)
		if err != nil {
			t.Fatal(err)
		}
		columns = append(columns, s.Config)
	}
	yes := func(b bool) string { return map[bool]string{true: "yes", false: "-"}[b] }
	for _, row := range []struct {
		name string
		of   func(Config) string
	}{
		{"`NLayersIn...`", func(c Config) string {
			return fmt.Sprintf("%d/%d/%d", c.NLayersInPrelude, c.NLayersInRecurrentBlock, c.NLayersInCoda)
		}},
		{"`MeanRecurrence`", func(c Config) string { return fmt.Sprint(c.MeanRecurrence) }},
		{"`Cycles`", func(c Config) string { return fmt.Sprint(c.Cycles) }},
		{"`Start`", func(c Config) string { return []string{"drawn", "embeds", "embeds only"}[c.Start] }},
		{"`StateStd()`", func(c Config) string { return fmt.Sprintf("%.2g", c.StateStd()*c.EmbedScale()) }},
		{"`EmbedScale()`", func(c Config) string { return fmt.Sprintf("%.4g", c.EmbedScale()) }},
		{"`Adapter()`", func(c Config) string { return yes(c.Adapter()) }},
		{"`Block.Norms`", func(c Config) string { return []string{"sandwich", "inside", "before", "after"}[c.Block.Norms] }},
		{"`Block.Weightless`", func(c Config) string { return yes(c.Block.Weightless) }},
		{"`Block.QKNorm`", func(c Config) string { return yes(c.Block.QKNorm) }},
		{"`Block.Gate`", func(c Config) string { return yes(c.Block.Gate) }},
		{"`Block.Halves`", func(c Config) string { return yes(c.Block.Halves) }},
		{"`FinalNorm`", func(c Config) string { return []string{"around coda", "last", "each pass"}[c.FinalNorm] }},
		{"`NHeads`", func(c Config) string { return fmt.Sprintf("%d/%d x %d", c.NHeads, c.KVHeads(), c.HeadDim) }},
		{"`RopeBase`", func(c Config) string {
			return strings.ReplaceAll(fmt.Sprintf("%.3g", c.RopeBase), "e+0", "e") + map[bool]string{true: ", stretched"}[c.RopeScaling.Factor != 0]
		}},
		{"`QKBias`", func(c Config) string { return yes(c.QKBias) }},
		{"`TieEmbeddings`", func(c Config) string { return yes(c.TieEmbeddings) }},
		{"`PrefixLM`", func(c Config) string { return yes(c.PrefixLM) }},
		{"`ExitGate()`", func(c Config) string { return yes(c.ExitGate()) }},
		{"`MostSteps()`", func(c Config) string { return fmt.Sprint(c.MostSteps()) }},
	} {
		cells := ""
		for _, c := range columns {
			cells += " | " + row.of(c)
		}
		isRow := func(line string) bool {
			return strings.HasPrefix(line, "| "+row.name+" |") && strings.HasSuffix(line, cells+" |")
		}
		if !slices.ContainsFunc(strings.Split(string(readme), "\n"), isRow) {
			t.Errorf("the table lacks | %s%s |", row.name, cells)
		}
	}
}
