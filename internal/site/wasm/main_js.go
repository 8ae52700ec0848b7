// Command wasm is the page's program: three functions that take and return
// JSON, in the object fdpass of the page's window.
package main

import (
	"encoding/json"
	"syscall/js"

	"example.com/fdpass/internal/site"
)

func main() {
	js.Global().Set("fdpass", js.ValueOf(map[string]any{
		"offer":   answer(func(struct{}) site.Choices { return site.Offer() }),
		"draw":    answer(site.Draw),
		"explain": answer(site.Explain),
	}))
	js.Global().Call("dispatchEvent", js.Global().Get("Event").New("fdpass"))
	select {} // the functions are called as long as the page is open
}

// answer makes f a function of JavaScript, from JSON to JSON. A question that
// is no JSON of the right form is a mistake of the page's.
func answer[Q, A any](f func(Q) A) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) any {
		var q Q
		if err := json.Unmarshal([]byte(args[0].String()), &q); err != nil {
			panic(err)
		}
		text, err := json.Marshal(f(q))
		if err != nil {
			panic(err)
		}
		return string(text)
	})
}
