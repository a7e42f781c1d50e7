import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatInstant, formatLocal, MAX_INSTANT, parseInstant } from "../../../../src/domain/time/instant.ts";
import { findZone } from "../../../../src/domain/time/zone.ts";

describe("parseInstant reads RFC 3339 §5.6", () => {
  it.each([
    ["2026-11-23T09:00:00Z", "2026-11-23T09:00:00.000Z"],
    ["2026-11-23T10:00:00+01:00", "2026-11-23T09:00:00.000Z"],
    ["2026-11-23T00:00:00-09:30", "2026-11-23T09:30:00.000Z"],
    ["2026-11-23T09:00:00-00:00", "2026-11-23T09:00:00.000Z"],
    ["2026-11-23T09:00:00+23:59", "2026-11-22T09:01:00.000Z"],
    ["2026-11-23t09:00:00z", "2026-11-23T09:00:00.000Z"],
    ["2026-11-23 09:00:00Z", "2026-11-23T09:00:00.000Z"],
    ["2026-11-23T09:00:00.5Z", "2026-11-23T09:00:00.500Z"],
    ["2026-11-23T09:00:00.123999999999999999Z", "2026-11-23T09:00:00.123Z"],
    ["2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000Z"],
    ["2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z"],
    ["0099-01-01T00:00:00Z", "0099-01-01T00:00:00.000Z"],
    ["1969-12-31T23:59:59.9Z", "1969-12-31T23:59:59.900Z"],
    // Leap seconds (RFC 3339 §5.8 examples): the second after them.
    ["1990-12-31T23:59:60Z", "1991-01-01T00:00:00.000Z"],
    ["1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00.000Z"],
    ["1990-12-31T23:59:60.7Z", "1991-01-01T00:00:00.700Z"],
    ["1990-12-31T15:59:60.123-08:00", "1991-01-01T00:00:00.123Z"],
    ["1960-12-31T23:59:60.5Z", "1961-01-01T00:00:00.500Z"],
  ])("%s", (text, utc) => {
    const read = parseInstant(text);
    expect(read.ok ? formatInstant(read.value) : read.error).toBe(utc);
  });

  it.each([
    ["2026-11-23T09:00:00", "offset (end it with Z for UTC, or +hh:mm)"],
    ["2026-11-23T09:00", "offset (end it with Z for UTC, or +hh:mm)"],
    ["2026-11-23T09:00Z", "is not an RFC 3339"],
    ["2026-11-23", "is not an RFC 3339"],
    ["2026-11-23T09:00:00+0100", "is not an RFC 3339"],
    ["2026-11-23T09:00:00+01", "is not an RFC 3339"],
    ["2026-11-23T09:00:00,5Z", "is not an RFC 3339"],
    ["2026-11-23T09:00:00.Z", "is not an RFC 3339"],
    ["2026-1-23T09:00:00Z", "is not an RFC 3339"],
    ["+002026-11-23T09:00:00Z", "is not an RFC 3339"],
    [" 2026-11-23T09:00:00Z", "is not an RFC 3339"],
    ["2026-11-23T09:00:00Z\n", "is not an RFC 3339"],
    ["1795424400", "is not an RFC 3339"],
    ["tomorrow at 9", "is not an RFC 3339"],
    ["", "is not an RFC 3339"],
    ["2026-13-01T00:00:00Z", "has month 13"],
    ["2026-00-01T00:00:00Z", "has month 00"],
    ["2026-02-30T00:00:00Z", "a day that does not exist in 2026-02"],
    ["2027-02-29T00:00:00Z", "a day that does not exist in 2027-02"],
    ["2100-02-29T00:00:00Z", "a day that does not exist in 2100-02"],
    ["2026-04-31T00:00:00Z", "a day that does not exist in 2026-04"],
    ["2026-01-00T00:00:00Z", "a day that does not exist in 2026-01"],
    ["2026-01-01T24:00:00Z", "midnight is 00:00:00 of the next day"],
    ["2026-01-01T00:60:00Z", "a minute over 59"],
    ["2026-01-01T00:00:61Z", "a second over 59"],
    ["2026-01-01T00:00:60Z", "a second over 59"],
    ["2026-12-30T23:59:60Z", "a second over 59"],
    ["2026-12-31T23:59:60+01:00", "a second over 59"],
    ["2026-01-01T00:00:00+24:00", "an offset that does not exist"],
    ["2026-01-01T00:00:00+00:60", "an offset that does not exist"],
    ["9999-12-31T23:59:59-01:00", "not within the years 0000 to 9999"],
    ["0000-01-01T00:00:00+01:00", "not within the years 0000 to 9999"],
  ])("%j is refused: %s", (text, why) => {
    const read = parseInstant(text);
    expect(read.ok ? formatInstant(read.value) : read.error).toContain(why);
    expect(read.ok ? "" : read.error).toContain("write it like YYYY-MM-DDThh:mm:ssZ or YYYY-MM-DDThh:mm:ss+01:00");
  });
});

describe("what is printed is read again", () => {
  const at = fc.integer({ min: -62_135_596_800_000, max: MAX_INSTANT });
  it("in UTC", () => {
    fc.assert(
      fc.property(at, (ms) => {
        expect(parseInstant(formatInstant(ms))).toEqual({ ok: true, value: ms });
      }),
    );
  });

  it("in the local time of any zone, also through clock changes", () => {
    const zones = [
      "UTC",
      "+08:00",
      "-09:30",
      "Europe/Berlin",
      "America/St_Johns",
      "Asia/Kathmandu",
      "Pacific/Apia",
      "Africa/Cairo",
    ];
    const inZone = at.filter((ms) => Math.abs(ms) < MAX_INSTANT - 2 * 86_400_000);
    fc.assert(
      fc.property(inZone, fc.constantFrom(...zones), (ms, zone) => {
        expect(parseInstant(formatLocal(ms, zone))).toEqual({ ok: true, value: ms });
      }),
    );
  });
});

describe("formatLocal shows a zone's clock and its offset then", () => {
  it.each([
    ["2026-11-23T09:00:00Z", "Europe/Berlin", "2026-11-23T10:00:00+01:00"],
    ["2027-07-01T09:00:00Z", "Europe/Berlin", "2027-07-01T11:00:00+02:00"],
    ["2026-10-25T00:30:00Z", "Europe/Berlin", "2026-10-25T02:30:00+02:00"],
    ["2026-10-25T01:30:00Z", "Europe/Berlin", "2026-10-25T02:30:00+01:00"],
    ["2027-03-14T06:59:59.999Z", "America/New_York", "2027-03-14T01:59:59.999-05:00"],
    ["2027-03-14T07:00:00Z", "America/New_York", "2027-03-14T03:00:00-04:00"],
    ["2026-11-23T09:00:00Z", "Asia/Kolkata", "2026-11-23T14:30:00+05:30"],
    ["2026-11-23T09:00:00Z", "UTC", "2026-11-23T09:00:00+00:00"],
    ["2026-11-23T09:00:00Z", "-03:30", "2026-11-23T05:30:00-03:30"],
    // Local mean time, 4:56:02 behind: cut to the minute.
    ["1880-01-01T00:00:00Z", "America/New_York", "1879-12-31T19:04:00-04:56"],
  ])("%s in %s", (utc, zone, local) => {
    expect(formatLocal(Date.parse(utc), zone)).toBe(local);
  });
});

describe("findZone takes IANA names", () => {
  it.each([
    ["Europe/Berlin", "Europe/Berlin"],
    ["europe/berlin", "Europe/Berlin"],
    ["AMERICA/NEW_YORK", "America/New_York"],
    ["utc", "UTC"],
    // Names that Intl would rename stay as the client wrote them.
    ["Asia/Kolkata", "Asia/Kolkata"],
    ["Europe/Kyiv", "Europe/Kyiv"],
    ["Etc/GMT+5", "Etc/GMT+5"],
  ])("%s", (name, zone) => {
    expect(findZone(name)).toEqual({ ok: true, value: zone });
  });

  it.each([
    ["+05:30", "is an offset"],
    ["UTC+2", "is an offset"],
    ["GMT-03:00", "is an offset"],
    ["PST", "is an ambiguous abbreviation"],
    ["ist", "is an ambiguous abbreviation"],
    ["Local", 'use an IANA name such as "Europe/Berlin"'],
    ["Mars/Olympus", 'use an IANA name such as "Europe/Berlin"'],
    ["Berlin", 'did you mean "Europe/Berlin"?'],
    ["new york", 'did you mean "America/New_York"?'],
    ["", "is not a known time zone"],
    ["constructor", 'use an IANA name such as "Europe/Berlin"'],
  ])("%j is refused: %s", (name, why) => {
    const zone = findZone(name);
    expect(zone.ok ? zone.value : zone.error).toContain(why);
  });
});
