# What runs on a host: functions, sent by standard input before every call, so that nothing has to be installed there and
# nothing of a call stands in a command line. POSIX sh on Linux, with flock and setsid (util-linux or busybox).
# remote.ts sends it, sets FOLDER, RUNS, OWNER (installation and instance of the plugin) and PLACE (name of the host in the
# config), calls one function, and reads what is printed between the two marks.

umask 077
LC_ALL=C
export LC_ALL
say() { printf '%s\n' "$*"; }
fail() {
  say "fail $*"
  say @end
  exit 0
}

# Absolute paths of what is ours here. A folder that somebody else made is not ours.
ground() {
  case $(type printf) in *builtin*) ;; *) fail unfit 'its sh has no builtin printf' ;; esac
  for word in flock setsid tar; do command -v "$word" >/dev/null || fail unfit "it has no $word" ; done
  case $FOLDER in /*) ;; *) FOLDER=$HOME/$FOLDER ;; esac
  case $RUNS in '') RUNS=$FOLDER/run ;; /*) ;; *) RUNS=$HOME/$RUNS ;; esac
  mkdir -p "$FOLDER/people" "$RUNS" || fail folder "it cannot make $FOLDER or $RUNS"
  own "$FOLDER/people"
  own "$RUNS"
  RUNS=$RUNS/$OWNER/$PLACE
  if [ -z "${XDG_RUNTIME_DIR:-}" ] && [ -d "/run/user/$(id -u)" ]; then export XDG_RUNTIME_DIR="/run/user/$(id -u)"; fi
  mkdir -p "$RUNS" || fail folder "it cannot make $RUNS"
  read -r BOOT </proc/sys/kernel/random/boot_id || fail unfit 'it has no /proc'
}
own() {
  [ -O "$1" ] && chmod 700 "$1" || fail folder "$1 is not a folder of this account"
}
lock() {
  exec 9>"$RUNS/.lock"
  flock -w 15 9 || fail busy 'another call holds the lock'
}

# A living process: session, start, ticks of processor time, pages of memory. The name in brackets may hold anything.
look() {
  line=
  { IFS= read -r line <"/proc/$1/stat"; } 2>/dev/null
  set -- ${line##*) }
  [ $# -ge 22 ] && [ "$1" != Z ] && [ "$1" != X ] || return 1
  session=$4 start=${20} ticks=$((${12} + ${13} + ${14} + ${15})) pages=${22}
}

# Whether the first process of a run is there: a number alone could be another one's by now.
leads() {
  pid= began= boot=
  { read -r pid began boot <"$1/proc"; } 2>/dev/null
  [ -n "$pid" ] && [ "$boot" = "$BOOT" ] && look "$pid" && [ "$start" = "$began" ]
}

# All processes of an instance: the session, whoever left it but kept the mark in the environment, and the scope.
members() {
  found=' '
  if leads "$RUNS/$1"; then
    leader=$pid
    for entry in /proc/[0-9]*; do
      look "${entry#/proc/}" && [ "$session" = "$leader" ] && found="$found${entry#/proc/} "
    done
  fi
  for entry in $(grep -lF "LABGATE_WORKSPACE=$OWNER/$PLACE/$1/" /proc/[0-9]*/environ 2>/dev/null); do
    entry=${entry#/proc/}
    add "${entry%/environ}"
  done
  scope= boot=
  { read -r scope boot <"$RUNS/$1/scope"; } 2>/dev/null
  [ -n "$scope" ] && [ "$boot" = "$BOOT" ] && [ -r "$scope/cgroup.procs" ] &&
    while read -r entry; do add "$entry"; done <"$scope/cgroup.procs"
}
add() {
  case $found in *" $1 "*) return ;; esac
  look "$1" && [ "$1" != $$ ] && found="$found$1 "
}

# Who listens where a connection to 127.0.0.1 goes: none, ours or foreign.
listener() {
  hex=$(printf %04X "$2")
  all=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep " 0A ")
  lines=$(printf '%s\n' "$all" | grep -E ": (0100007F|0000000000000000FFFF00000100007F):$hex ")
  [ -n "$lines" ] || lines=$(printf '%s\n' "$all" | grep -E ": 0+:$hex ")
  [ -n "$lines" ] || { say none; return; }
  members "$1"
  fds=$(for one in $found; do ls -l "/proc/$one/fd" 2>/dev/null; done)
  printf '%s\n' "$lines" | while read -r _ _ _ _ _ _ _ _ _ inode _; do
    case $fds in *"socket:[$inode]"*) ;; *) say foreign ; break ;; esac
  done | grep . || say ours
}
# Ports in use, and those of instances that are about to listen.
ports() {
  sed -n 's/^ *[0-9]*: [0-9A-F]*:\([0-9A-F]*\) .*/\1/p' /proc/net/tcp /proc/net/tcp6 2>/dev/null | sort -u | tr '\n' ' '
}
taken() {
  case " $(ports)" in *" $(printf %04X "$1") "*) return 0 ;; esac
  for entry in "$RUNS"/*/port; do
    port=
    [ -f "${entry%/port}/ended" ] || { read -r port <"$entry"; } 2>/dev/null
    [ "$port" != "$1" ] || return 0
  done
  return 1
}

# One line about an instance: run INSTANCE NONCE PLAN ACCOUNT STORAGE PORT STATE CODE
tell() {
  nonce= plan= account= storage= port= code=
  { read -r nonce plan account storage <"$RUNS/$1/label"; } 2>/dev/null
  [ -n "$storage" ] || return
  { read -r port <"$RUNS/$1/port"; } 2>/dev/null
  { read -r code <"$RUNS/$1/exit"; } 2>/dev/null
  state=killed
  if [ -n "$code" ]; then state=exited
  elif leads "$RUNS/$1"; then state=running
  elif [ ! -f "$RUNS/$1/proc" ]; then state=reserved
  elif [ "$boot" != "$BOOT" ]; then state=rebooted
  fi
  [ -f "$RUNS/$1/ended" ] && ended=ended || ended=-
  say "run $1 $nonce $plan $account $storage ${port:--} $state ${code:--} $ended"
}
cut_log() {
  [ -f "$RUNS/$1/log" ] || return
  size=$(wc -c <"$RUNS/$1/log")
  # It is opened for appending, so that it may be cut while the app writes.
  [ "$size" -le 16777216 ] || { tail -c 1048576 "$RUNS/$1/log" >"$RUNS/$1/log.1"; : >"$RUNS/$1/log"; }
}

# Everything here, and what this host is.
list() {
  say "root $FOLDER $RUNS"
  for entry in "$RUNS"/*/; do
    entry=${entry%/}
    entry=${entry##*/}
    tell "$entry"
    cut_log "$entry"
  done
}
survey() {
  list
  say "who $(id -u) $(id -g)"
  say "ports $(ports)"
  [ -d "$FOLDER/people/$1" ] && say "files yes" || say "files no"
}
one() {
  tell "$1"
  port=
  { read -r port <"$RUNS/$1/port"; } 2>/dev/null
  [ -z "$port" ] || say "listens $(listener "$1" "$port")"
}

# Step one of a launch: a folder with a label, and nothing that runs. Only what has one can be started, and only once: a
# start that comes late, after its launch was given up, finds none.
reserve() {
  lock
  [ ! -d "$RUNS/$1" ] || { tell "$1"; [ -f "$RUNS/$1/label" ] && return; rm -rf -- "$RUNS/$1"; }
  rm -rf -- "$RUNS/.new"
  mkdir "$RUNS/.new" "$RUNS/.new/secrets" "$RUNS/.new/tmp" || fail folder "it cannot write below $RUNS"
  say "$2 $3 $4 $5" >"$RUNS/.new/label" && mv "$RUNS/.new" "$RUNS/$1" || fail folder "it cannot write below $RUNS"
  tell "$1"
}
# The person's folder. Its parents belong to this account alone.
keep() {
  mkdir -p "$FOLDER/people/$1/$2" && chmod 700 "$FOLDER/people/$1" || fail folder 'it cannot make the folder of the person'
  [ -w "$FOLDER/people/$1/$2" ] || fail folder 'the folder of the person cannot be written to'
}
# What is shared exists already; `ro` is true only where this account may not write.
shared() {
  [ -r "$1" ] || fail policy "$1 is not there or cannot be read"
  [ "$2" = rw ] || [ ! -w "$1" ] || fail policy "$1 is to be read only, but this account may write there"
}
link() {
  mkdir -p "${2%/*}" || fail folder "it cannot make ${2%/*}"
  [ ! -L "$2" ] || rm -f -- "$2"
  [ ! -e "$2" ] || fail policy "there is something else at $2"
  ln -s "$1" "$2" || fail folder "it cannot make $2"
}
secret() {
  printf '%s' "$3" >"$RUNS/$1/.secret" && mv "$RUNS/$1/.secret" "$RUNS/$1/secrets/$2" || fail folder 'it cannot keep a secret'
}
renew() {
  lock
  [ -d "$RUNS/$1/secrets" ] || fail gone 'it is not there any more'
}

# Step two: secrets first (`secret`), then the process. begin INSTANCE NONCE PORT, go INSTANCE NONCE SCRIPT LIMITS…
begin() {
  lock
  nonce=
  { read -r nonce _ <"$RUNS/$1/label"; } 2>/dev/null
  [ "$nonce" = "$2" ] && [ ! -f "$RUNS/$1/ended" ] || fail gone 'it was taken away in the meantime'
  [ ! -f "$RUNS/$1/proc" ] || { tell "$1"; say @end; exit 0; }
  taken "$3" && fail port "$3 is taken"
  say "$3" >"$RUNS/$1/port"
}
go() {
  dir=$RUNS/$1
  printf '%s\n' "$3" >"$dir/start.sh"
  set -- "$1" "$2" env -i "HOME=$4" "PATH=$PATH" "USER=$(id -un)" "LOGNAME=$(id -un)" "SHELL=/bin/sh" "LANG=${LANG:-C.UTF-8}" \
    "TMPDIR=$dir/tmp" "LABGATE_WORKSPACE=$OWNER/$PLACE/$1/$2/" sh "$dir/start.sh"
  name=$1
  shift 2
  if [ -n "$SCOPE" ]; then
    unit=labgate-$OWNER-$name.scope
    set -- $(runs_scopes) --quiet --collect "--unit=$unit" $SCOPE -- "$@"
  fi
  setsid "$@" </dev/null >>"$dir/log" 2>&1 9>&- &
  tries=0
  while [ ! -f "$dir/proc" ] && [ "$tries" -lt 100 ] && look $!; do
    tries=$((tries + 1))
    sleep 0.05 2>/dev/null || sleep 1
  done
  [ -f "$dir/proc" ] || fail crash "it did not start: $(tail -n 1 "$dir/log")"
  tell "$name"
}
runs_scopes() {
  [ "$(id -u)" = 0 ] && say systemd-run --scope || say systemd-run --user --scope
}

# A signal to all of an instance, again and again by whoever waits; nothing is started in this folder any more.
end() {
  lock
  [ ! -d "$RUNS/$1" ] || : >"$RUNS/$1/ended"
  members "$1"
  for entry in $found; do
    kill "-$2" "$entry" 2>/dev/null
    kill -CONT "$entry" 2>/dev/null
  done
  set -- $found
  say "alive $#"
}
drop() {
  lock
  tries=0
  members "$1"
  while [ "$found" != ' ' ] && [ "$tries" -lt 40 ]; do
    kill -KILL $found 2>/dev/null
    tries=$((tries + 1))
    sleep 0.05 2>/dev/null || sleep 1
    members "$1"
  done
  [ "$found" = ' ' ] || fail busy 'it cannot be ended'
  rm -rf -- "$RUNS/$1" "$RUNS/.new"
  [ -z "$2" ] || rm -rf -- "$FOLDER/people/$2"
}

usage() {
  members "$1"
  sum=0 memory=0
  for entry in $found; do
    look "$entry" && sum=$((sum + ticks)) memory=$((memory + pages))
  done
  say "usage $((memory * $(getconf PAGESIZE || echo 4096))) $sum $(getconf CLK_TCK || echo 100)"
}

# Lines of the log: `lines INSTANCE tail COUNT` or `lines INSTANCE from BYTE`. What follows the empty line is the log's.
lines() {
  tell "$1"
  file=$RUNS/$1/log
  size=0
  [ ! -f "$file" ] || size=$(($(wc -c <"$file")))
  from=0
  [ "$2" = from ] && [ "$3" -le "$size" ] && from=$3
  upto=$size
  [ "$2" = tail ] || [ "$((size - from))" -le 262144 ] || upto=$((from + 262144))
  say "upto $upto"
  say ''
  [ "$size" -gt 0 ] || exit 0
  if [ "$2" = tail ]; then head -c "$size" "$file" | tail -c 262144 | tail -n "$3"
  else tail -c "+$((from + 1))" "$file" | head -c "$((upto - from))"
  fi
  exit 0
}

# archive STORAGE [NAME]…: one folder as it is, several by their names.
archive() {
  cd "$FOLDER/people/$1" 2>/dev/null || fail missing 'there are no files yet'
  shift
  [ $# -gt 1 ] || { cd "./$1" 2>/dev/null || fail missing 'there are no files yet'; set -- ./; }
  for name in "$@"; do
    shift
    [ ! -d "$name" ] || set -- "$@" "$name"
  done
  [ $# -gt 0 ] || fail missing 'there are no files yet'
  say ''
  tar -cf - "$@"
  exit
}

# Which limits this host keeps: each is exceeded once per start of the machine, and only what was stopped counts. The same
# with room enough must pass, or the failure was another one.
limits() {
  file=$RUNS/.limits
  known= boot=
  { read -r boot known <"$file"; } 2>/dev/null
  if [ "$boot" != "$BOOT" ] || [ -z "$known" ]; then
    lock
    known=$(scopes && say "yes $(tries_memory) $(tries_cpu) $(tries_pids)" || say 'no no no no')
    say "$BOOT $known" >"$file"
  fi
  say "limits $known"
}
# Without lingering, systemd would end people's scopes with our connection.
scopes() {
  command -v systemd-run >/dev/null || return 1
  [ "$(id -u)" = 0 ] || [ -e "/var/lib/systemd/linger/$(id -un)" ] || return 1
  within true
}
within() {
  $(runs_scopes) --quiet --collect "$@" >/dev/null 2>&1 9>&-
}
tries_memory() {
  within -p MemoryMax=1G -p MemorySwapMax=0 -- dd if=/dev/zero of=/dev/null bs=160M count=1 &&
    ! within -p MemoryMax=64M -p MemorySwapMax=0 -- dd if=/dev/zero of=/dev/null bs=160M count=1 && say yes || say no
}
tries_pids() {
  forks='set -e; for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait'
  within -p TasksMax=64 -- sh -c "$forks" && ! within -p TasksMax=5 -- sh -c "$forks" && say yes || say no
}
# The kernel counts how often it held somebody back; how much there was to get on a busy machine does not matter.
tries_cpu() {
  burn='sleep 1 & while kill -0 $! 2>/dev/null; do :; done
    while IFS=: read -r _ controllers path; do
      case $path in *.scope) cat "/sys/fs/cgroup/$controllers$path/cpu.stat" 2>/dev/null ;; esac
    done </proc/self/cgroup'
  $(runs_scopes) --quiet --collect -p CPUQuota=20% -- sh -c "$burn" 2>/dev/null 9>&- | grep -q '^nr_throttled [1-9]' &&
    say yes || say no
}
