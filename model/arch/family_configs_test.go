package arch_test

import (
	"encoding/json"
	"os"
	"testing"

	"muninn/model/arch/archtest"
	"muninn/model/internal/golden"
)

// Every config.json of the goldens means what its own class reads in it, or is refused by the field that is why.
func TestFamilyConfigs(t *testing.T) {
	data, err := os.ReadFile(golden.Path(t, "goldens", "family", "config", "cases.json"))
	var all struct{ Cases []archtest.ConfigCase }
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil || len(all.Cases) < 75 {
		t.Fatal(len(all.Cases), err)
	}
	for _, c := range all.Cases {
		if err := c.Check(); err != nil {
			t.Errorf("%s: %v", c.Title(), err)
		}
	}
}
