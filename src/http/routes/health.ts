/** `/healthz`: whether the Worker answers at all. */
import * as z from "zod";
import { version } from "../../../package.json";
import { reply, route } from "../route.ts";

const health = route({
  method: "get",
  path: "/healthz",
  access: "health",
  id: "getHealth",
  tag: "Service",
  summary: "Check that the service is up",
  answers: {
    200: { description: "It is.", schema: z.strictObject({ status: z.literal("ok"), version: z.string() }) },
  },
  async handle() {
    return reply(200, { status: "ok" as const, version });
  },
});

export const healthRoutes = [health] as const;
