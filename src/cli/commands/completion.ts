/** `reveille completion`: commands and options at a press of Tab. */
import { type Command, UsageError } from "../command.ts";
import { COMMON } from "../parse.ts";

/** The command, which completes the commands given. */
export const completion = (commands: () => readonly Command[]): Command => ({
  name: "completion",
  summary: "Print the completion script of a shell",
  positionals: [{ name: "SHELL", about: "bash, zsh or fish" }],
  examples: [
    "reveille completion bash >> ~/.bashrc",
    "reveille completion fish > ~/.config/fish/completions/reveille.fish",
  ],
  async run(given, terminal) {
    const [shell] = given.positionals;
    if (shell === "bash") terminal.print(bash(commands()));
    else if (shell === "zsh") terminal.print(`autoload -U +X bashcompinit && bashcompinit\n${bash(commands())}`);
    else if (shell === "fish") terminal.print(fish(commands()));
    else throw new UsageError(`there is no completion for "${shell}"; say bash, zsh or fish`);
    return 0;
  },
});

/** The words that may follow each beginning of a command line. `""` -> start jobs ..., `jobs create` -> --name ... */
function following(commands: readonly Command[]): ReadonlyMap<string, readonly string[]> {
  const words = new Map<string, Set<string>>();
  const add = (after: string, word: string): void => void words.set(after, (words.get(after) ?? new Set()).add(word));
  for (const { name, options = {} } of commands) {
    const parts = name.split(" ");
    for (const [index, part] of parts.entries()) add(parts.slice(0, index).join(" "), part);
    for (const option of Object.keys({ ...options, ...COMMON })) add(name, `--${option}`);
  }
  return new Map([...words].map(([after, set]) => [after, [...set]]));
}

function bash(commands: readonly Command[]): string {
  const cases = [...following(commands)].map(([after, words]) => `    "${after}") words="${words.join(" ")}" ;;`);
  return `_reveille() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) [ "$(wc -w <<< "$before")" -lt 2 ] && before="\${before:+$before }$word" ;; esac
  done
  case "$before" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
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
  return [...groups.map((group) => `complete -c reveille -f -n __fish_use_subcommand -a ${group}`), ...lines].join(
    "\n",
  );
}

const quoted = (text: string): string => text.replaceAll("'", "\\'");
