/** A crontab, as `crontab -l` prints it. Each line becomes a job whose message is the command. */
import {
  type Foreign,
  type ForeignJob,
  type ImportOptions,
  NotCarriedOver,
  present,
  readEntries,
  shortened,
} from "./foreign.ts";

const ASSIGNMENT = /^\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/;
const NICKNAMES = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
const MAX_NAME_BYTES = 200;

type Line = { readonly text: string; readonly environment: ReadonlyMap<string, string> };

/** Reads a crontab. Times are in the zone of CRON_TZ or TZ if the file sets it, else in `timezone`. */
export function readCrontab(text: string, { timezone }: ImportOptions): Foreign {
  const environment = new Map<string, string>();
  const lines: (readonly [string, Line])[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const assigned = line.match(ASSIGNMENT);
    if (assigned === null) lines.push([`line ${index + 1}`, { text: line.trim(), environment: new Map(environment) }]);
    else environment.set(assigned[1] ?? "", unquoted(assigned[2] ?? ""));
  }
  return readEntries(lines, (line) => readLine(line, timezone));
}

function readLine({ text, environment }: Line, timezone: string): Omit<ForeignJob, "place"> {
  if (text.startsWith("@reboot")) throw new NotCarriedOver("@reboot is no time: nothing starts with the machine here");
  const delay = environment.get("RANDOM_DELAY");
  if (delay !== undefined && delay !== "0")
    throw new NotCarriedOver(`RANDOM_DELAY=${delay} delays by another time each day`);
  const { cron, rest } = text.startsWith("@") ? nickname(text) : fiveFields(text);
  const { command, stdin } = withoutPercent(rest);
  if (command === "") throw new NotCarriedOver("the command is missing");
  const zone = environment.get("CRON_TZ") ?? environment.get("TZ") ?? timezone;
  const kept = Object.fromEntries(
    [...environment].filter(([name]) => !["CRON_TZ", "TZ", "MAILTO", "RANDOM_DELAY"].includes(name)),
  );
  const mail = environment.get("MAILTO");
  return {
    fields: {
      name: shortened(command, MAX_NAME_BYTES),
      message: command,
      schedule: { cron, timezone: zone },
      payload: present({ command, environment: Object.keys(kept).length > 0 ? kept : undefined, stdin }),
    },
    notes: mail === undefined || mail === "" ? [] : [`its output was mailed to ${mail}; here it is in the run's log`],
  };
}

function nickname(text: string): { cron: string; rest: string } {
  const [word = "", ...rest] = text.split(/\s+/);
  if (!NICKNAMES.includes(word)) throw new NotCarriedOver(`${word} is not known`);
  return { cron: word, rest: text.slice(text.indexOf(word) + word.length).trim() || rest.join(" ") };
}

function fiveFields(text: string): { cron: string; rest: string } {
  const match = text.match(/^((?:\S+\s+){4}\S+)\s+(.*)$/s);
  const cron = match?.[1]?.replace(/\s+/g, " ");
  if (cron === undefined) throw new NotCarriedOver("it is no line of a crontab: five fields and a command");
  const fields = cron.replace(/^-/, "").split(" ");
  if (!fields.every((field) => /^[\dA-Za-z*,/?#LW~-]+$/.test(field)))
    throw new NotCarriedOver(`"${cron}" are no five fields of a crontab`);
  if (cron.includes("~")) throw new NotCarriedOver("~ stands for a time by chance, drawn again at each start");
  const [, , day = "*", , weekday = "*"] = fields;
  const both = day !== "*" && weekday !== "*";
  if (both && (day.startsWith("*") || weekday.startsWith("*"))) {
    throw new NotCarriedOver(`cron fires when day ${day} and weekday ${weekday} both match, and here either would do`);
  }
  return { cron: fields.join(" "), rest: match?.[2] ?? "" };
}

/**
 * The command without its stdin. An unescaped % ends the command; the rest is its stdin, and each further % begins a new
 * line.
 */
function withoutPercent(text: string): { command: string; stdin?: string } {
  const [command = "", ...rest] = text.split(/(?<!\\)%/).map((part) => part.replaceAll("\\%", "%"));
  return rest.length === 0 ? { command: command.trim() } : { command: command.trim(), stdin: rest.join("\n") };
}

const unquoted = (value: string): string => value.replace(/^(["'])(.*)\1$/, "$2");
