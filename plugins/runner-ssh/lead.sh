# The first process of an instance: leads its session, writes down who it is, starts the app (`app`, put before this text),
# and writes down how that ended. It outlives TERM, so that the end is written down, too.
dir=${0%/start.sh}
umask 077
cd "$dir" || exit 126
IFS= read -r line <"/proc/$$/stat"
read -r boot </proc/sys/kernel/random/boot_id
set -- ${line##*) }
scope=
while IFS=: read -r _ controllers path; do
  case $path in */labgate-*.scope) ;; *) continue ;; esac
  case $controllers in
  '') scope=/sys/fs/cgroup$path ;;
  name=systemd) scope=/sys/fs/cgroup/systemd$path ;;
  *) scope=/sys/fs/cgroup/$controllers$path ;;
  esac
  [ ! -r "$scope/cgroup.procs" ] || break
done </proc/self/cgroup
[ -z "$scope" ] || printf '%s %s\n' "$scope" "$boot" >scope
printf '%s %s %s\n' "$$" "${20}" "$boot" >proc.new && mv proc.new proc || exit 126
trap : TERM INT HUP
(app) &
child=$!
while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2>/dev/null || break
done
printf '%s\n' "$code" >exit.new && mv exit.new exit
