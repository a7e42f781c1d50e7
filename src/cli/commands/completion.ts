/** `reveille completion`: completes commands and options when Tab is pressed. */
import { type Command, UsageError } from "../command.ts";
import { COMMON } from "../parse.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

/** The command, which completes the given commands. */
export const completion = (commands: () => readonly Command[]): Command => ({
  name: "completion",
  summary: "Print the completion script of a shell",
  positionals: [{ name: "SHELL", about: "bash, zsh or fish" }],
  examples: [
    "reveille completion bash >> ~/.bashrc",
    "reveille completion zsh >> ~/.zshrc",
    "reveille completion fish > ~/.config/fish/completions/reveille.fish",
  ],
  async run(given, terminal) {
    const [shell] = given.positionals;
    if (shell === "bash") terminal.print(bash(commands()));
    else if (shell === "zsh") terminal.print(`${ZSH}\n${bash(commands())}`);
    else if (shell === "fish") terminal.print(fish(commands()));
    else throw new UsageError(`there is no completion for "${shell}"; say bash, zsh or fish`);
    return 0;
  },
});

/** The preparation for zsh, which accepts bash's function once its own completion is loaded. */
const ZSH = `(( $+functions[compdef] )) || { autoload -U +X compinit && compinit -u; }
autoload -U +X bashcompinit && bashcompinit`;

/** The words that may follow each beginning of a command line. `""` -> start jobs ..., `jobs create` -> --name ... */
function following(commands: readonly Command[]): ReadonlyMap<string, readonly string[]> {
  const words = new Map<string, Set<string>>();
  const add = (after: string, word: string): void => void words.set(after, (words.get(after) ?? new Set()).add(word));
  for (const { name, options = {} } of commands) {
    const parts = name.split(" ");
    for (const [index, part] of parts.entries()) add(parts.slice(0, index).join(" "), part);
    for (const option of Object.keys({ ...options, ...COMMON })) add(name, `--${option}`);
  }
  for (const shell of SHELLS) add("completion", shell);
  return new Map([...words].map(([after, set]) => [after, [...set]]));
}

/** The completion for bash. Options are offered after a dash. Before that a file or a value may come next. */
function bash(commands: readonly Command[]): string {
  const cases = [...following(commands)].map(([after, words]) => `    "${after}") echo "${words.join(" ")}" ;;`);
  return `_reveille_offers() {
  case "$1" in
${cases.join("\n")}
    *) return 1 ;;
  esac
}
_reveille() {
  local typed="\${COMP_WORDS[COMP_CWORD]}" before="" word="" last="" offers=""
  for word in "\${COMP_WORDS[@]:1:$((COMP_CWORD - 1))}"; do
    case "$last $word" in
      "--url "*|"--token "*|*" -"*) ;;
      *) case "$before" in *" "*) ;; *) before="\${before:+$before }$word" ;; esac ;;
    esac
    last="$word"
  done
  offers="$(_reveille_offers "$before" || _reveille_offers "\${before%% *}")"
  case "$typed" in
    -*) ;;
    *) offers="$(echo "$offers" | tr ' ' '\\n' | grep -v '^-')" ;;
  esac
  COMPREPLY=($(compgen -W "$offers" -- "$typed"))
}
complete -o default -F _reveille reveille`;
}

function fish(commands: readonly Command[]): string {
  const lines = commands.flatMap(({ name, summary, options = {} }) => {
    const parts = name.split(" ");
    const last = parts.at(-1) ?? name;
    const group = parts.length > 1 ? `__fish_seen_subcommand_from ${parts[0]}` : "__fish_use_subcommand";
    const words = [`complete -c reveille -f -n '${group}' -a ${last} -d '${quoted(summary)}'`];
    const when = parts.map((part) => `__fish_seen_subcommand_from ${part}`).join("; and ");
    for (const [option, { about }] of Object.entries({ ...options, ...COMMON })) {
      words.push(`complete -c reveille -n '${when}' -l ${option} -d '${quoted(about)}'`);
    }
    return words;
  });
  const groups = [...new Set(commands.filter(({ name }) => name.includes(" ")).map(({ name }) => name.split(" ")[0]))];
  return [
    ...groups.map((group) => `complete -c reveille -f -n __fish_use_subcommand -a ${group}`),
    ...lines,
    `complete -c reveille -f -n '__fish_seen_subcommand_from completion' -a '${SHELLS.join(" ")}'`,
  ].join("\n");
}

const quoted = (text: string): string => text.replaceAll("'", "\\'");
