package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/draw"
)

func completionCommand() *command {
	return &command{
		name:    "completion",
		args:    "SHELL",
		summary: "print what makes bash, zsh or fish complete fdpass's words",
		words:   "bash zsh fish",
		help: `Prints a script for a shell, which then completes commands, flags and what they
may be. SHELL is bash, zsh or fish.

examples, each for a shell's start-up file:
  fdpass completion bash > ~/.local/share/bash-completion/completions/fdpass
  source <(fdpass completion zsh)
  fdpass completion fish | source`,
		setup: func(*flag.FlagSet) func([]string) error {
			return func(args []string) error { return completion(os.Stdout, args) }
		},
	}
}

func completion(w io.Writer, args []string) error {
	scripts := map[string]func(io.Writer, []listing){"bash": bash, "zsh": zsh, "fish": fish}
	if len(args) != 1 || scripts[args[0]] == nil {
		return usagef("completion: wants the name of a shell: bash, zsh or fish")
	}
	var b strings.Builder
	scripts[args[0]](&b, listings())
	_, err := io.WriteString(w, b.String())
	return err
}

// listing is a command as the shells are told of it.
type listing struct {
	*command
	flags []listedFlag
}

// listedFlag is a flag, with its dash. One that takes a value has a name for
// it: FILE is a file, others are one of the words if there are any.
type listedFlag struct {
	name, usage  string
	value, words string
}

// values are what flags may be, by the name of the value.
var values = map[string]string{
	"GOARCH": strings.Join(names(abi.All), " "),
	"PARTS":  strings.Join(draw.Parts, " "),
	"EXTRAS": strings.Join(draw.Extras, " "),
}

// listings asks each command for its flags.
func listings() (all []listing) {
	for _, c := range commands() {
		d := listing{command: c}
		fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
		c.setup(fs)
		fs.VisitAll(func(f *flag.Flag) {
			value, usage := flag.UnquoteUsage(f)
			usage, _, _ = strings.Cut(strings.ReplaceAll(usage, "\n", " "), ";")
			d.flags = append(d.flags, listedFlag{"-" + f.Name, usage, value, values[value]})
		})
		all = append(all, d)
	}
	// Help explains commands, too, and cannot list them without being asked
	// by its own list.
	for i := range all {
		if all[i].name == "help" {
			help := *all[i].command
			for _, d := range all {
				help.words += " " + d.name
			}
			all[i].command = &help
		}
	}
	return all
}

// bash offers words for the word before the cursor. Where there are none it
// offers files, unless it is told not to.
func bash(w io.Writer, all []listing) {
	var commands []string
	var cases strings.Builder
	line := func(pattern, words string, files bool) {
		fmt.Fprintf(&cases, "\t%s) words='%s'", pattern, words)
		if !files {
			cases.WriteString("; compopt +o default")
		}
		cases.WriteString(" ;;\n")
	}
	for _, d := range all {
		commands = append(commands, d.name)
		var flags []string
		for _, f := range d.flags {
			flags = append(flags, f.name)
			if f.value != "" {
				line(quote(d.name+" "+f.name+" ")+"*", f.words, f.value == "FILE")
			}
		}
		line(quote(d.name+" ")+"*"+quote(" -")+"*", strings.Join(flags, " "), false)
		line(quote(d.name+" ")+"*", d.words, d.words == "")
	}
	fmt.Fprintf(w, `# fdpass completion bash
_fdpass() {
	local words= cur=${COMP_WORDS[COMP_CWORD]} before="${COMP_WORDS[1]} ${COMP_WORDS[COMP_CWORD-1]} "
	[ "$COMP_CWORD" != 1 ] || before=
	case $before$cur in
%s	*) words='%s' ;;
	esac
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _fdpass fdpass
`, cases.String(), strings.Join(commands, " "))
}

// zsh has its own ways to describe arguments.
func zsh(w io.Writer, all []listing) {
	fmt.Fprintf(w, "#compdef fdpass\n_fdpass() {\n\tif (( CURRENT == 2 )); then\n\t\tlocal -a commands=(\n")
	for _, d := range all {
		fmt.Fprintf(w, "\t\t\t%s\n", quote(d.name+":"+d.summary))
	}
	fmt.Fprintf(w, "\t\t)\n\t\t_describe command commands\n\t\treturn\n\tfi\n\tshift words\n\t(( CURRENT-- ))\n\tcase $words[1] in\n")
	for _, d := range all {
		fmt.Fprintf(w, "\t%s) _arguments", d.name)
		for _, f := range d.flags {
			spec := f.name + "[" + strings.NewReplacer("[", "(", "]", ")", ":", " ").Replace(f.usage) + "]"
			if f.value != "" {
				spec += ":" + f.value + ":" + zshAction(f.words, f.value == "FILE")
			}
			fmt.Fprintf(w, " \\\n\t\t%s", quote(spec))
		}
		fmt.Fprintf(w, " \\\n\t\t%s ;;\n", quote("*:argument:"+zshAction(d.words, d.words == "")))
	}
	// As a file among zsh's functions this is _fdpass itself; sourced it is not.
	fmt.Fprint(w, "\tesac\n}\nif [ \"$funcstack[1]\" = _fdpass ]; then _fdpass \"$@\"; else compdef _fdpass fdpass; fi\n")
}

// zshAction completes files, or words, or nothing if there are none.
func zshAction(words string, files bool) string {
	switch {
	case files:
		return "_files"
	case words == "":
		return " "
	}
	return "(" + words + ")"
}

// fish takes a line for each word.
func fish(w io.Writer, all []listing) {
	fmt.Fprintln(w, "# fdpass completion fish")
	for _, d := range all {
		fmt.Fprintf(w, "complete -c fdpass -n __fish_use_subcommand -f -a %s -d %s\n", d.name, quote(d.summary))
		seen := quote("__fish_seen_subcommand_from " + d.name)
		if d.words != "" {
			fmt.Fprintf(w, "complete -c fdpass -n %s -f -a '%s'\n", seen, d.words)
		}
		for _, f := range d.flags {
			line := fmt.Sprintf("complete -c fdpass -n %s -o %s -d %s", seen, f.name[1:], quote(f.usage))
			switch {
			case f.value == "FILE":
				line += " -r"
			case f.value != "":
				line += fmt.Sprintf(" -x -a '%s'", f.words)
			}
			fmt.Fprintln(w, line)
		}
	}
}

// quote is s as one word of a shell. All three read '"'"' as an apostrophe.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'" }
