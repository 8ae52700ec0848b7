package site

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const showing = "#arch=amd64,386&fds=1&with=cred&show=cmsghdr,message&explain=1800000000000000+01000000+02000000+92100000e8030000"

// look sets how wide the page is, in pixels, and its colours.
func (b *browser) look(width int, scheme string) {
	b.t.Helper()
	b.must("Emulation.setDeviceMetricsOverride",
		params{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
	b.must("Emulation.setScrollbarsHidden", params{"hidden": true}, nil)
	features := []params{{"name": "prefers-color-scheme", "value": scheme}}
	b.must("Emulation.setEmulatedMedia", params{"features": features}, nil)
}

// shot takes a picture of the whole page. FDPASS_SHOTS keeps it.
func (b *browser) shot(name string) []byte {
	b.t.Helper()
	var r struct{ Data string }
	b.must("Page.captureScreenshot", params{"captureBeyondViewport": true}, &r)
	image, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if dir := os.Getenv("FDPASS_SHOTS"); dir != "" {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".png"), image, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	return image
}

func TestIsThePageReadableInEveryWidthAndScheme(t *testing.T) {
	b, dir := startBrowser(t)
	b.open("file://" + filepath.Join(dir, "index.html") + showing)
	b.eval("document.querySelectorAll('details').forEach((d, i) => d.open = i === 0)", nil)
	for _, width := range []int{400, 1600} {
		for _, scheme := range []string{"light", "dark"} {
			name := fmt.Sprintf("%s-%d", scheme, width)
			t.Run(name, func(t *testing.T) {
				b.t = t
				b.look(width, scheme)
				var wide []string
				if b.eval(tooWide, &wide); len(wide) > 0 {
					t.Errorf("wider than the page: %v", wide)
				}
				var pale []string
				if b.eval(tooPale, &pale); len(pale) > 0 {
					t.Errorf("too little contrast:\n%s", strings.Join(pale, "\n"))
				}
				image, err := png.Decode(bytes.NewReader(b.shot(name)))
				if err != nil {
					t.Fatal(err)
				}
				r, _, _, _ := image.At(2, 2).RGBA()
				if size := image.Bounds(); size.Dx() != width || (r > 0x8000) != (scheme == "light") {
					t.Errorf("a picture of %v, red is %#x in the corner", size, r)
				}
			})
		}
	}
}

// tooWide finds what makes the page scroll sideways.
const tooWide = `[...document.querySelectorAll('body *')].filter(e =>
  !e.closest('.picture, .scroll') && getComputedStyle(e).clipPath === 'none' &&
  e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(e => e.outerHTML.slice(0, 80))
  .concat(document.documentElement.scrollWidth > innerWidth ? ['the page'] : [])`

// tooPale finds texts whose contrast with what they stand on is under 4.5, as
// WCAG 2.2 has it (1.4.3). What a drawing's text stands on is the last shape
// before it under its place, and the page's ground for everything else.
const tooPale = `(() => {
  const parse = c => c.match(/[\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = parse(c).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b };
  const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05) };
  const clear = c => parse(c)[3] === 0;
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!clear(c)) return c }
    return 'rgb(255, 255, 255)' };
  const under = e => { const r = e.getBoundingClientRect(), x = r.x + r.width / 2, y = r.y + r.height / 2; let found;
    for (const s of e.closest('svg').querySelectorAll('rect')) { if (s.closest('defs')) continue; const q = s.getBoundingClientRect();
      if (q.left <= x && x <= q.right && q.top <= y && y <= q.bottom) found = getComputedStyle(s).fill }
    return found.startsWith('url') ? getComputedStyle(e.closest('svg').querySelector('pattern rect')).fill : found };
  const all = [];
  for (const e of document.querySelectorAll('body *')) {
    if (!e.checkVisibility() || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    if (['STYLE', 'style', 'SCRIPT', 'title', 'OPTION'].includes(e.tagName)) continue;
    const svg = e.closest('svg'), style = getComputedStyle(e);
    const c = svg ? contrast(style.fill, under(e)) : contrast(style.color, ground(e));
    if (c < 4.5) all.push(c.toFixed(2) + ' ' + e.outerHTML.slice(0, 120));
  }
  return all;
})()`
