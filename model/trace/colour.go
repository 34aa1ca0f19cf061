package trace

import (
	"fmt"
	"math"
	"strings"
)

// oklch is a colour of OKLab in polar form (Ottosson, "A perceptual color space for image processing", 2020): lightness 0
// to 1, chroma, hue in degrees. It gives #rrggbb; what sRGB cannot show is cut.
func oklch(lightness, chroma, hue float64) string {
	a, b := chroma*math.Cos(hue*math.Pi/180), chroma*math.Sin(hue*math.Pi/180)
	cube := func(x float64) float64 { return x * x * x }
	l := cube(lightness + 0.3963377774*a + 0.2158037573*b)
	m := cube(lightness - 0.1055613458*a - 0.0638541728*b)
	s := cube(lightness - 0.0894841775*a - 1.2914855480*b)
	channel := func(linear float64) int {
		x := 12.92 * linear
		if linear > 0.0031308 {
			x = 1.055*math.Pow(linear, 1/2.4) - 0.055
		}
		return int(math.Round(255 * min(max(x, 0), 1)))
	}
	return fmt.Sprintf("#%02x%02x%02x",
		channel(4.0767416621*l-3.3077115913*m+0.2309699292*s),
		channel(-1.2684380046*l+2.6097574011*m-0.3413193965*s),
		channel(-0.0041960863*l-0.7034186147*m+1.7076147010*s))
}

// ramp goes from dark violet over blue and green to light yellow. Lightness rises evenly, so that its order can be seen
// without telling hues apart, and in grey.
var ramp = func() (table [128]string) {
	for i := range table {
		x := float64(i) / float64(len(table)-1)
		table[i] = oklch(0.27+0.66*x, 0.105+0.06*(2*x-1)*(2*x-1), 305-200*x)
	}
	return table
}()

// Ramp is the colour (#rrggbb) of x, 0 to 1, in pictures and terminals.
func Ramp(x float64) string {
	return ramp[int(math.Round(min(max(x, 0), 1)*float64(len(ramp)-1)))]
}

// lineColour is the i-th of n colours that can be told apart and seen on light and dark ground.
func lineColour(i, n int) string {
	lightness := 0.62
	if i%2 == 1 {
		lightness = 0.70
	}
	return oklch(lightness, 0.15, 30+360*float64(i)/float64(max(n, 1)))
}

// dashes are those of lines that are not to be told by colour alone.
var dashes = []string{"none", "7 3", "2 3", "9 3 2 3", "4 4", "12 4"}

// logScale maps positive numbers to 0..1 by their logarithm; zero, and what is below the low end, is at the low end.
type logScale struct{ low, high float64 } // decimal logarithms

// maxDecades is how many powers of ten a scale shows at most, counted from the largest number.
const maxDecades = 8

// newLogScale spans the positive ones of the numbers, at least from one power of ten to the next.
func newLogScale(numbers []Real) logScale {
	least, most := math.Inf(1), 0.0
	for _, r := range numbers {
		if x := float64(r); x > 0 && r.finite() {
			least, most = min(least, x), max(most, x)
		}
	}
	if most == 0 {
		return logScale{-1, 0}
	}
	s := logScale{math.Log10(least), math.Log10(most)}
	s.low = max(s.low, s.high-maxDecades)
	if math.Ceil(s.low) >= s.high {
		s.low, s.high = math.Floor(s.low), math.Floor(s.low)+1
	}
	return s
}

// whole widens a scale to powers of ten.
func (s logScale) whole() logScale { return logScale{math.Floor(s.low), math.Ceil(s.high)} }

func (s logScale) at(r Real) float64 {
	if !(r > 0) {
		return 0
	}
	return min(max((math.Log10(float64(r))-s.low)/(s.high-s.low), 0), 1)
}

// ticks are the powers of ten and the ends; the low end stands for what is below it as well.
func (s logScale) ticks() []tick {
	const fromLow, fromHigh = 0.13, 0.07 // so that the numbers of a colour bar do not touch
	list := []tick{{0, "≤" + times10(s.low)}}
	for e := math.Ceil(s.low); e <= s.high; e++ {
		if at := (e - s.low) / (s.high - s.low); at > fromLow && at < 1-fromHigh {
			list = append(list, tick{at, power(int(e))})
		}
	}
	return append(list, tick{1, times10(s.high)})
}

// times10 writes 10 to the x: 1.4 or 3×10⁻⁷.
func times10(x float64) string {
	if x == math.Floor(x) {
		return power(int(x))
	}
	if x > -2 && x < 3 {
		return fmt.Sprintf("%.2g", math.Pow(10, x))
	}
	e := math.Floor(x + 0.0222) // 9.5 is 10
	if m := math.Round(math.Pow(10, x-e)); m > 1 {
		return fmt.Sprintf("%.0f×%s", m, power(int(e)))
	}
	return power(int(e))
}

var raised = strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴",
	"5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")

// power writes 10 to the n.
func power(n int) string {
	switch n {
	case 0:
		return "1"
	case 1:
		return "10"
	}
	return "10" + raised.Replace(fmt.Sprint(n))
}
