/** Lines of the audit trail are found by who did it only where that is somebody else. @module */
import { Migration } from '@mikro-orm/migrations'

/** Most lines are about whoever did it, and are found by that: each is spared one index when it is written. */
export class AuditActors extends Migration {
  override up(): void {
    this.addSql('drop index audit_event_actor_at_index')
    this.addSql(
      `create index audit_event_actor_at_index on audit_event (actor, at)
         where actor is not null and (account is null or actor <> account)`,
    )
  }
}
