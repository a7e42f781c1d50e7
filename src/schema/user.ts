/** The shapes of the roster of users (docs/contract.md §6), for whom fan-outs run. */
import * as z from "zod";
import { MAX_USER_ID_BYTES } from "./limits.ts";
import { boundedText, UserIdText } from "./text.ts";

/** The number of users in one call. */
export const MAX_IMPORTED_USERS = 1_000;

/** A user's id in a path: any string of 1 to 128 bytes of UTF-8. */
export const UserPathId = boundedText(1, MAX_USER_ID_BYTES);

export const User = z
  .strictObject({
    id: z.string(),
    active: z.boolean().meta({
      description: "Whether a fan-out would run for them now: marked active and, with ACTIVE_WINDOW, seen within it.",
    }),
    last_seen_at: z.string().optional().meta({ description: "Left out if they were never seen." }),
  })
  .meta({ id: "User", description: "A user of the roster. all_users jobs run for them." });
export type User = z.infer<typeof User>;

const ONE_ZONE =
  "is not a field here: users have no zone of their own; a job has one zone for all its users, so make a job for each zone";

export const UserInput = z
  .strictObject({
    active: z
      .boolean()
      .default(true)
      .meta({
        aliases: ["enabled", "is_active"],
        opposites: ["disabled", "inactive"],
        description: "The operator's mark; false leaves the user out of fan-outs.",
      }),
  })
  .meta({ notHere: { timezone: ONE_ZONE } });

export const UsersImport = z.strictObject({
  users: z
    .array(
      UserIdText.refine((id) => id !== "", {
        message: 'must be a user\'s id: a string of 1 to 128 bytes or a whole number; "" and 0 mean none',
      }),
    )
    .max(MAX_IMPORTED_USERS, { message: `at most ${MAX_IMPORTED_USERS} ids in one call; send the rest in another` })
    .meta({
      aliases: ["ids", "user_ids", "items"],
      examples: [["alice", "bob"]],
      description: `Ids, at most ${MAX_IMPORTED_USERS}; users who exist already become active.`,
    }),
});
