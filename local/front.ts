/** The export of a built Worker that takes calls on this machine; it stands beside the Worker's own exports. */
export const FRONT = "reveille_front";
