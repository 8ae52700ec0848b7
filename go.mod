module example.com/fdpass

go 1.25
