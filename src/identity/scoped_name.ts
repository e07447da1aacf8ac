/**
 * Names that belong to a subject: nobody takes over what another has named. A name has no control
 * characters, so the last NUL is the one that stands between the two.
 */

const BETWEEN = "\0";

/** The name of a subject's own; as it is where nobody says who they are. */
export function scopedName(subject: string, name: string): string {
  return subject === "" ? name : `${subject}${BETWEEN}${name}`;
}

/** What it was made of. */
export function readScopedName(scoped: string): { subject?: string; name: string } {
  const at = scoped.lastIndexOf(BETWEEN);
  if (at < 0) return { name: scoped };
  return { subject: scoped.slice(0, at), name: scoped.slice(at + 1) };
}
