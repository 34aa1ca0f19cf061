package vk

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"muninn/vk/internal/seam"
)

// Only a whole file of the kind and for the key is used, and only a speed that a device can have.
func TestKeptFiles(t *testing.T) {
	dir, kind, key := t.TempDir(), "speed", "device"
	want := keptSpeed{2, Speed{Read: 4e9, FMA: 5e10, Dispatch: 8 * time.Microsecond}}
	var got keptSpeed
	if Recall(dir, kind, key, &got) || Recall("", kind, key, &got) {
		t.Error("there is something before anything was kept")
	}
	if err := errors.Join(Remember(dir, kind, key, want), Remember("", kind, key, want)); err != nil {
		t.Fatal(err)
	}
	if !Recall(dir, kind, key, &got) || got != want || !got.valid() {
		t.Fatalf("kept %+v", got)
	}
	whole, err := os.ReadFile(keptPath(dir, kind, key))
	if err != nil {
		t.Fatal(err)
	}
	if recall(whole, kind, "another", &got) || recall(whole, "verdict", key, &got) || !recall(whole, kind, key, &got) {
		t.Error("accepted for another device or as another kind")
	}
	for i := range whole {
		damaged := append([]byte(nil), whole...)
		damaged[i] ^= 0x40
		if recall(damaged, kind, key, &got) {
			t.Errorf("accepted with byte %d changed", i)
		}
		if recall(whole[:i], kind, key, &got) {
			t.Errorf("accepted when cut to %d bytes", i)
		}
	}
	for _, s := range []Speed{{}, {0, 5e10, 8000}, {4e9, -1, 8000}, {1e300, 5e10, 8000}, {4e9, 5e10, -1}, {4e9, 5e10, 9e9}} {
		if s.valid() {
			t.Errorf("%+v was accepted", s)
		}
	}
}

// TestCalibrate: the best of a few starts is kept, for each device and driver of its own; a bad measurement changes nothing.
func TestCalibrate(t *testing.T) {
	dir := t.TempDir()
	fast := Speed{Read: 1e12, FMA: 2e13, Dispatch: 3 * time.Microsecond}
	slow, faster := Speed{Read: 1e9, FMA: 1e10, Dispatch: time.Second / 10}, Speed{Read: 2e12, FMA: 2e13, Dispatch: 2 * time.Microsecond}
	start := func(driver string, measured Speed, fails error) (Speed, int, error) {
		d := fakeDevice(t, newFake(), Options{CacheDir: dir, test: seam.Options{Limits: func(c any) { c.(*Caps).Driver = driver }}})
		defer d.Close()
		calls := 0
		_, err := d.Calibrate(func() (Speed, error) { calls++; return measured, fails })
		return d.Speed(), calls, err
	}
	class := (Caps{Type: "cpu"}).classSpeed()
	broken := errors.New("broken")
	for _, c := range []struct {
		name     string
		driver   string
		measured Speed
		fails    error
		want     Speed
		calls    int
	}{
		{"the measurement fails", "1", fast, broken, class, 1},
		{"the clock stood still", "1", Speed{Read: 1e300, FMA: 1e9}, nil, class, 1},
		{"first start", "1", fast, nil, fast, 1},
		{"second start, failing", "1", Speed{}, broken, fast, 1},
		{"and busy with something else", "1", slow, nil, fast, 1},
		{"another driver version", "2", class, nil, class, 1},
		{"the third of the first", "1", faster, nil, faster, 1},
		{"no more", "1", Speed{}, broken, faster, 0},
	} {
		got, calls, err := start(c.driver, c.measured, c.fails)
		if got != c.want || calls != c.calls || (err != nil) != (c.calls == 1 && c.want == class && c.measured != class) {
			t.Errorf("%s: %+v after %d measurements, error %v; want %+v after %d", c.name, got, calls, err, c.want, c.calls)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	speeds := 0
	for _, f := range files {
		if strings.HasPrefix(f.Name(), "speed-") {
			speeds++
		}
	}
	if speeds != 2 {
		t.Errorf("%d speed files, want 2: %v", speeds, files)
	}
	// Without a folder nothing is kept, and nothing goes wrong.
	d := fakeDevice(t, newFake(), Options{})
	defer d.Close()
	if got, err := d.Calibrate(func() (Speed, error) { return fast, nil }); got != fast || err != nil {
		t.Errorf("without a folder: %+v, %v", got, err)
	}
}
