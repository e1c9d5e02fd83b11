/** A revocation as a session takes it. */
export interface RevokeScope {
  readonly reason: string;
  isMeant(topic: string): boolean;
}
