/** The sockets of a token may send a bounded number of frames a minute (docs/token-costs.md). */
import { expect, it } from "vitest";
import { FrameLimit } from "../../../../durable-objects/mailbox/frame-limit.ts";
import { MAX_FRAMES_A_MINUTE } from "../../../../src/schema/limits.ts";

const agent = (token_id: string) => ({ role: "agent", agent_id: "a", token_id }) as const;

it("frames of one token are answered up to the bound in each minute, and other tokens' frames are not affected", () => {
  const limit = new FrameLimit();
  const admitted = (token: string, now: number) =>
    Array.from({ length: MAX_FRAMES_A_MINUTE + 10 }, () => limit.admit(agent(token), now)).filter(Boolean).length;
  expect(admitted("loud", 60_000)).toBe(MAX_FRAMES_A_MINUTE);
  expect(limit.admit(agent("quiet"), 60_000)).toBe(true);
  expect(limit.admit({ role: "admin" }, 60_000)).toBe(true);
  expect(limit.admit(agent("loud"), 119_999)).toBe(false);
  expect(admitted("loud", 120_000)).toBe(MAX_FRAMES_A_MINUTE);
});
