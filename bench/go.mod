module example.com/fdpass/bench

go 1.25.0

replace example.com/fdpass => ../

require (
	example.com/fdpass v0.0.0
	github.com/ftrvxmtrx/fd v0.0.0-20150925145434-c6d800382fff
	github.com/mdlayher/socket v0.6.1
	golang.org/x/sys v0.45.0
)

require (
	golang.org/x/net v0.55.0 // indirect
	golang.org/x/sync v0.20.0 // indirect
)
