/*
 * completion: the scripts for three shells. They know nothing themselves: all words come
 * from `svcctl __complete`, and so from the table of commands and from the registry.
 */
#include <stdio.h>
#include <string.h>

#include "svcctl/handlers.h"

/* bash splits words at ':' and '=', which instances and options have in them: put them
 * together again, and give back only what stands behind the last of them. */
static const char bash_script[] =
	"# bash completion of svcctl: to be sourced, or a file \"svcctl\" of bash-completion\n"
	"_svcctl()\n"
	"{\n"
	"\tlocal words=() glue=0 i w cur prefix line kind=\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i <= COMP_CWORD; i++)); do\n"
	"\t\tw=${COMP_WORDS[i]}\n"
	"\t\tif [[ ${#words[@]} -gt 0 && ( $w == [:=] || $glue == 1 ) ]]; then\n"
	"\t\t\twords[${#words[@]}-1]+=$w\n"
	"\t\telse\n"
	"\t\t\twords+=(\"$w\")\n"
	"\t\tfi\n"
	"\t\tif [[ $w == [:=] ]]; then glue=1; else glue=0; fi\n"
	"\tdone\n"
	"\tcur=${words[${#words[@]}-1]}\n"
	"\tprefix=${cur%\"${cur##*[:=]}\"}\n"
	"\twhile IFS= read -r line; do\n"
	"\t\tcase $line in\n"
	"\t\t:*) kind=${line#:} ;;\n"
	"\t\t*) line=${line%%$'\\t'*}; COMPREPLY+=(\"${line#\"$prefix\"}\") ;;\n"
	"\t\tesac\n"
	"\tdone < <(\"${COMP_WORDS[0]}\" __complete -- \"${words[@]}\" 2>/dev/null)\n"
	"\tcase $kind in\n"
	"\tfiles) COMPREPLY=($(compgen -f -- \"$cur\")); compopt -o filenames 2>/dev/null ;;\n"
	"\tcommands) COMPREPLY=($(compgen -c -- \"$cur\")) ;;\n"
	"\tnospace) compopt -o nospace 2>/dev/null ;;\n"
	"\tesac\n"
	"}\n"
	"complete -F _svcctl svcctl\n";

static const char zsh_script[] =
	"#compdef svcctl\n"
	"# zsh completion of svcctl: to be sourced after compinit, or \"_svcctl\" in $fpath\n"
	"_svcctl()\n"
	"{\n"
	"\tlocal -a shown values\n"
	"\tlocal line kind\n"
	"\twhile IFS= read -r line; do\n"
	"\t\tcase $line in\n"
	"\t\t:*) kind=${line#:} ;;\n"
	"\t\t*)\n"
	"\t\t\tvalues+=(\"${line%%$'\\t'*}\")\n"
	"\t\t\tshown+=(\"${line/$'\\t'/  -- }\")\n"
	"\t\t\t;;\n"
	"\t\tesac\n"
	"\tdone < <(\"${words[1]}\" __complete -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
	"\tcase $kind in\n"
	"\tfiles) _files ;;\n"
	"\tcommands) _command_names ;;\n"
	"\tnospace) compadd -S '' -l -d shown -a values ;;\n"
	"\t*) compadd -l -d shown -a values ;;\n"
	"\tesac\n"
	"}\n"
	"if [ \"$funcstack[1]\" = _svcctl ]; then\n"
	"\t_svcctl \"$@\"\n"
	"else\n"
	"\tcompdef _svcctl svcctl\n"
	"fi\n";

static const char fish_script[] =
	"# fish completion of svcctl: to be sourced, or a file in ~/.config/fish/completions\n"
	"function __svcctl_complete\n"
	"\tset -l words (commandline -opc) (commandline -ct)\n"
	"\tfor line in ($words[1] __complete -- $words[2..-1] 2>/dev/null)\n"
	"\t\tswitch $line\n"
	"\t\t\tcase :files\n"
	"\t\t\t\t__fish_complete_path (commandline -ct)\n"
	"\t\t\tcase :commands\n"
	"\t\t\t\t__fish_complete_command\n"
	"\t\t\tcase ':*'\n"
	"\t\t\tcase '*'\n"
	"\t\t\t\techo -- $line\n"
	"\t\tend\n"
	"\tend\n"
	"end\n"
	"complete -c svcctl -f -a '(__svcctl_complete)'\n";

enum outcome cmd_completion(struct ctl *c, const struct args *a)
{
	static const struct {
		const char *shell, *script;
	} all[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};

	(void)c;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i].shell, a->words[0]) == 0)
			fputs(all[i].script, stdout);
	return OUT_OK;
}
