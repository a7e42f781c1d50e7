/** The frame around every page: the session, the navigation, and the latest news. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useShortcuts } from "./keys.ts";
import { AgentPage } from "./pages/agents/agent-page.tsx";
import { AgentsPage } from "./pages/agents/agents-page.tsx";
import { EditJobPage, NewJobPage } from "./pages/edit/edit-page.tsx";
import { EventsPage } from "./pages/events/events-page.tsx";
import { ForecastPage } from "./pages/forecast/forecast-page.tsx";
import { HeartbeatPage } from "./pages/heartbeats/heartbeat-page.tsx";
import { HeartbeatsPage } from "./pages/heartbeats/heartbeats-page.tsx";
import { FanOutPage } from "./pages/job/fan-out-page.tsx";
import { JobPage } from "./pages/job/job-page.tsx";
import { JobsPage } from "./pages/jobs/jobs-page.tsx";
import { NotFound } from "./pages/not-found.tsx";
import { SubscriptionsPage } from "./pages/operator/subscriptions-page.tsx";
import { TokensPage } from "./pages/operator/tokens-page.tsx";
import { UsersPage } from "./pages/operator/users-page.tsx";
import { OverviewPage } from "./pages/overview/overview-page.tsx";
import { RunsPage } from "./pages/runs/runs-page.tsx";
import { SignInPage } from "./pages/sign-in.tsx";
import { Notices } from "./parts/notices.tsx";
import { OutageBar } from "./parts/outage-bar.tsx";
import { ShortcutHelp } from "./parts/shortcut-help.tsx";
import { TopBar } from "./parts/top-bar.tsx";
import { go, link, route } from "./route.ts";
import { token } from "./session.ts";

export function App() {
  return (
    <>
      {token.value === null ? <SignInPage /> : <SignedIn />}
      <Notices />
    </>
  );
}

function SignedIn() {
  const [help, setHelp] = useState(false);
  useShortcuts({
    "?": () => setHelp(true),
    n: () => go(link("new")),
    "g o": () => go(link("overview")),
    "g j": () => go(link("jobs")),
    "g r": () => go(link("runs")),
    "g e": () => go(link("events")),
    "g f": () => go(link("forecast")),
    "g h": () => go(link("heartbeats")),
    "g u": () => go(link("users")),
    "g a": () => go(link("agents")),
    "g t": () => go(link("tokens")),
  });
  const place = route.value.path.join("/");
  const main = useFocusOnMove(place);
  useEffect(() => {
    document.title = titleOf(route.value.path);
  }, [place]);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <TopBar onHelp={() => setHelp(true)} />
      <OutageBar />
      <main id="main" ref={main} tabIndex={-1} key={place}>
        {pageAt(route.value.path)}
      </main>
      {help ? <ShortcutHelp onClose={() => setHelp(false)} /> : null}
    </>
  );
}

/** Moves the focus to the content when another page is opened, as after a load. The first page leaves it where it is. */
function useFocusOnMove(place: string) {
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current) {
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    isFirst.current = false;
  }, [place]);
  return main;
}

const TITLES: Readonly<Record<string, string>> = {
  overview: "Overview",
  runs: "Runs",
  events: "Events",
  subscriptions: "Subscriptions",
  jobs: "Jobs",
  new: "New job",
  forecast: "Forecast",
  heartbeats: "Heartbeats",
  users: "Users",
  agents: "Agents",
  tokens: "Tokens",
};

/** The title of the tab. A job's page puts the job's name in front when it is known. */
const titleOf = ([page = "overview", id]: readonly string[]): string =>
  [page === "heartbeats" ? id : undefined, TITLES[page], "Reveille"].filter((part) => part !== undefined).join(" · ");

function pageAt([page = "overview", id, part, partId]: readonly string[]): ComponentChildren {
  switch (page) {
    case "overview":
      return <OverviewPage />;
    case "jobs":
      if (id === undefined) return <JobsPage />;
      if (part === "edit") return <EditJobPage id={id} />;
      if (part === "fan-outs" && partId !== undefined) return <FanOutPage jobId={id} id={partId} />;
      return <JobPage id={id} />;
    case "new":
      return <NewJobPage />;
    case "forecast":
      return <ForecastPage />;
    case "heartbeats":
      return id === undefined ? <HeartbeatsPage /> : <HeartbeatPage name={id} />;
    case "runs":
      return <RunsPage />;
    case "events":
      return <EventsPage />;
    case "subscriptions":
      return <SubscriptionsPage />;
    case "users":
      return <UsersPage />;
    case "agents":
      return id === undefined ? <AgentsPage /> : <AgentPage id={id} />;
    case "tokens":
      return <TokensPage />;
    default:
      return <NotFound />;
  }
}
