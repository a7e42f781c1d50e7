/**
 * Checks that the parts of a recurrence rule go together (RFC 5545 §3.3.10). It also limits the times that a period may
 * name.
 */
import { type Frequency, type RecurrenceRule, WEEKDAY_CODES } from "./rrule-parts.ts";
import { timesInPeriod } from "./rrule-size.ts";

const MAX_TIMES_A_PERIOD = 100;

/** The parts that exclude each other (RFC 5545 §3.3.10), and those that would cost too much. */
export function checkTogether(rule: RecurrenceRule): string[] {
  const { freq } = rule;
  const errors: string[] = [];
  const onlyWith = (part: string, given: unknown, allowed: readonly Frequency[]) => {
    if (given !== undefined && !allowed.includes(freq)) {
      errors.push(`${part} does not go with FREQ=${freq}; it goes with ${allowed.join(" ")}`);
    }
  };
  onlyWith("BYWEEKNO", rule.byWeekNo, ["YEARLY"]);
  onlyWith("BYYEARDAY", rule.byYearDay, ["MINUTELY", "HOURLY", "YEARLY"]);
  onlyWith("BYMONTHDAY", rule.byMonthDay, ["MINUTELY", "HOURLY", "DAILY", "MONTHLY", "YEARLY"]);
  const numbered = rule.byDay?.find(({ nth }) => nth !== undefined);
  if (numbered !== undefined && freq !== "MONTHLY" && freq !== "YEARLY") {
    const code = WEEKDAY_CODES[numbered.weekday];
    errors.push(
      `BYDAY: "${numbered.nth}${code}" goes with FREQ=MONTHLY and YEARLY only; with FREQ=${freq} write ${code}`,
    );
  }
  if (numbered !== undefined && rule.byWeekNo !== undefined) {
    errors.push("BYDAY: weekdays have no number beside BYWEEKNO; write e.g. BYWEEKNO=20;BYDAY=MO");
  }
  if (rule.byWeekNo !== undefined && rule.byDay === undefined) {
    errors.push("BYWEEKNO needs BYDAY to say on which day of the week; write e.g. BYWEEKNO=20;BYDAY=MO");
  }
  const others = [rule.bySecond, rule.byMinute, rule.byHour, rule.byDay, rule.byMonthDay, rule.byYearDay, rule.byMonth];
  if (rule.bySetPos !== undefined && others.every((part) => part === undefined)) {
    errors.push("BYSETPOS picks from what other BY parts give; add one, e.g. BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1");
  }
  const size = timesInPeriod(rule);
  if (size.times > MAX_TIMES_A_PERIOD) {
    errors.push(
      `${size.parts.join(" and ")}: ${size.times} times in one period of FREQ=${freq}, at most ${MAX_TIMES_A_PERIOD} are taken; use fewer values, or a shorter FREQ`,
    );
  }
  return errors;
}
