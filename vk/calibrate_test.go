package vk

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"muninn/vk/internal/seam"
)

// TestSpeedFile checks that only a whole file for this device, with figures that a device can have, is used.
func TestSpeedFile(t *testing.T) {
	const key = "device"
	whole := seal(speedMagic, []byte(`{"for":"device","read":4e9,"fma":5e10,"dispatch":8000}`))
	want := Speed{Read: 4e9, FMA: 5e10, Dispatch: 8 * time.Microsecond}
	if got, ok := decodeSpeed(whole, key); !ok || got.Speed != want {
		t.Fatalf("a whole file gives %+v, %v", got, ok)
	}
	if _, ok := decodeSpeed(whole, "another"); ok {
		t.Error("accepted for another device")
	}
	for i := range whole {
		damaged := append([]byte(nil), whole...)
		damaged[i] ^= 0x40
		if _, ok := decodeSpeed(damaged, key); ok {
			t.Errorf("accepted with byte %d changed", i)
		}
		if _, ok := decodeSpeed(whole[:i], key); ok {
			t.Errorf("accepted when cut to %d bytes", i)
		}
	}
	for _, text := range []string{
		``, `{}`, `[]`, `{"for":"device"}`, `{"for":"device","read":0,"fma":5e10,"dispatch":8000}`,
		`{"for":"device","read":4e9,"fma":-1,"dispatch":8000}`, `{"for":"device","read":1e300,"fma":5e10,"dispatch":8000}`,
		`{"for":"device","read":4e9,"fma":5e10,"dispatch":-1}`, `{"for":"device","read":4e9,"fma":5e10,"dispatch":9000000000}`,
	} {
		if got, ok := decodeSpeed(seal(speedMagic, []byte(text)), key); ok {
			t.Errorf("%s was accepted as %+v", text, got)
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
