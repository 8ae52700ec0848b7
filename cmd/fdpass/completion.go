package main

import (
	"flag"
	"io"
	"os"
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

// scripts are what the shells run. Each asks fdpass complete-words for the words
// that may stand at the end of the line, with what they mean after a tab. A line
// that begins with a colon says what the shell completes itself: files, or the
// line of another command from the word N on.
var scripts = map[string]string{
	"bash": `# fdpass completion bash
_fdpass() {
	local i word words=() line cur
	for ((i = 1; i <= COMP_CWORD; i++)); do # -arch=s390x is three words to bash
		word=${COMP_WORDS[i]}
		if [[ $word == = || ( $i -gt 1 && ${COMP_WORDS[i-1]} == = ) ]] && ((${#words[@]})); then
			words[${#words[@]}-1]+=$word
		else
			words+=("$word")
		fi
	done
	cur=${words[${#words[@]}-1]}
	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		:files) compopt -o default ;;
		":command "*)
			if declare -F _command_offset >/dev/null; then
				_command_offset "${line#:command }"
			elif ((COMP_CWORD == ${line#:command })); then
				COMPREPLY=($(compgen -c -- "$cur"))
			else
				compopt -o default
			fi ;;
		*)
			line=${line%%$'\t'*}
			[[ $cur != -*=* ]] || line=${line#*=}
			COMPREPLY+=("$line") ;;
		esac
	done < <("${COMP_WORDS[0]}" complete-words "${words[@]}" 2>/dev/null)
}
complete -F _fdpass fdpass
`,
	"zsh": `#compdef fdpass
_fdpass() {
	local line
	local -a found
	for line in "${(@f)$(${words[1]} complete-words "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
		case $line in
		'') ;;
		:files) _files ;;
		':command '*)
			local n=${line#:command }
			shift $n words
			((CURRENT -= n))
			_normal ;;
		*)
			line=${line//:/\\:}
			found+=("${line/$'\t'/:}") ;;
		esac
	done
	((! $#found)) || _describe word found
}
if [ "$funcstack[1]" = _fdpass ]; then _fdpass "$@"; else compdef _fdpass fdpass; fi
`,
	"fish": `# fdpass completion fish
function __fdpass_complete
	set -l words (commandline -opc) (commandline -ct)
	for line in ($words[1] complete-words $words[2..-1] 2>/dev/null)
		switch $line
			case ':files'
				__fish_complete_path $words[-1]
			case ':command *'
				set -l n (string replace ':command ' '' -- $line)
				set -l rest (string escape -- $words[(math $n + 1)..-1])
				test -n "$words[-1]"; or set rest[-1] ''
				complete -C (string join ' ' -- $rest)
			case '*'
				echo $line
		end
	end
end
complete -c fdpass -f -k -a '(__fdpass_complete)'
`,
}

// completion writes the script for a shell.
func completion(w io.Writer, args []string) error {
	if len(args) != 1 || scripts[args[0]] == "" {
		return usagef("completion: wants the name of a shell: bash, zsh or fish")
	}
	_, err := io.WriteString(w, scripts[args[0]])
	return err
}
