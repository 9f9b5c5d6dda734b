/**
 * MikroORM on PostgreSQL, with columns as the hot path reads them on either database: times are milliseconds since 1970
 * and JSON is text, which no setting of a server or a time zone reads in another way.
 * @module
 */
import { isFault } from '@labgate/contract'
import { Migrator } from '@mikro-orm/migrations'
import {
  AbstractSqlDriver,
  type Configuration,
  DateTimeType,
  type Dictionary,
  type DriverException,
  type EntityProperty,
  type ExceptionConverter,
  MikroORM,
  PostgreSqlConnection,
  PostgreSqlPlatform,
  Type,
} from '@mikro-orm/postgresql'
import type { MikroORM as AnyOrm } from '@mikro-orm/sqlite'
import pg from 'pg'
import { allEntities } from '../entity-list.ts'
import { migrations } from '../migrations/list.ts'
import { clientConfig, databaseOf, type PostgresTarget, postgresFault, shares } from './client.ts'
import { isAway } from './trouble.ts'

class Platform extends PostgreSqlPlatform {
  // A way that is broken is told as everywhere: it passes, and is no failure of whoever asked.
  override getExceptionConverter(): ExceptionConverter {
    const usual = super.getExceptionConverter()
    return {
      convertException(exception: Error & Dictionary): DriverException {
        const told = isAway(exception) ? postgresFault(exception, 'asking') : exception
        // MikroORM throws it on as it is.
        return isFault(told) ? (told as unknown as DriverException) : usual.convertException(exception)
      },
    }
  }

  // The other name of `bigint`, so that MikroORM tells times from numbers.
  override getDateTimeTypeDeclarationSQL(): string {
    return 'int8'
  }

  override getMappedType(type: string): Type<unknown> {
    return type === 'int8' ? Type.getType(DateTimeType) : super.getMappedType(type)
  }

  override isBigIntProperty(prop: EntityProperty): boolean {
    return prop.runtimeType !== 'Date' && super.isBigIntProperty(prop)
  }

  override getCurrentTimestampSQL(): string {
    return '(extract(epoch from clock_timestamp()) * 1000)::bigint'
  }

  override getJsonDeclarationSQL(): string {
    return 'text'
  }

  override convertsJsonAutomatically(): boolean {
    return false
  }

  override processDateProperty(value: unknown): string | number | Date {
    return value instanceof Date ? value.getTime() : (value as string | number)
  }

  override escape(value: unknown): string {
    if (value instanceof Date) return String(value.getTime())
    if (typeof value === 'string') return super.escape(value.replaceAll('\0', '\u2400'))
    return super.escape(value)
  }
}

class Driver extends AbstractSqlDriver<PostgreSqlConnection, Platform> {
  constructor(config: Configuration) {
    super(config, new Platform(), PostgreSqlConnection, ['kysely', 'pg'])
  }
}

/** Opens MikroORM: the same entities and migrations as on SQLite. */
export async function openPostgresOrm(target: PostgresTarget): Promise<AnyOrm> {
  const types = {
    getTypeParser: (oid: number, format?: 'text') =>
      oid === 20 || oid === 1700 ? Number : pg.types.getTypeParser(oid, format),
  }
  const orm = await MikroORM.init({
    // Its own platform differs in a few types of columns.
    driver: Driver as never,
    entities: allEntities,
    dbName: databaseOf(target),
    driverOptions: { ...clientConfig(target), max: shares(target).orm, types },
    extensions: [Migrator],
    metadataCache: { enabled: false },
    migrations: { migrationsList: migrations, snapshot: false, silent: true, tableName: 'migration' },
    debug: false,
  })
  // What the rooms use of it is the same for both databases; the types differ in the driver behind it.
  return orm as unknown as AnyOrm
}
