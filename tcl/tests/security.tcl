# What strangers and hostile clients must not be able to do, on real
# processes; the table of all such promises is tests/SECURITY.md.

set directory $::env(VARD_TEST_DIR)/own
file mkdir $directory

# A process outside the frames, with its log in $directory.
proc lone_start {name args} {
    global lone directory
    set lone(port) [free_port]
    set lone(log) $directory/$name.log
    set lone(dir) $directory/$name
    set lone(pid) [start_process $lone(log) {*}$args --port $lone(port) \
        --dir $lone(dir) --min-free-disk 1mb]
    wait_for_condition 20000 {[string match "*Ready to accept*" \
        [read_file $lone(log)]]}
}

proc lone_stop {} {
    signal_process $::lone(pid) TERM
    wait_process_end $::lone(pid) 20000
}

# Bits of permission that a file gives to others than its owner.
proc others_may {path} {
    return [expr {[file attributes $path -permissions] & 077}]
}

proc all_files {directory} {
    set found {}
    foreach path [glob -nocomplain -directory $directory *] {
        lappend found $path
        if {[file type $path] eq "directory"} {
            lappend found {*}[all_files $path]
        }
    }
    return $found
}

proc resident_kb {pid} {
    regexp {VmRSS:\s+([0-9]+)} [read_file /proc/$pid/status] -> kb
    return $kb
}

# Sends without end, and reads nothing, until the other side has closed. How
# much that takes depends on the kernel's buffers; so only time ends it.
proc flood {c part {timeout_ms 60000}} {
    set fd [$c -fd]
    fconfigure $fd -blocking 0
    set end [expr {[clock milliseconds] + $timeout_ms}]
    while {[clock milliseconds] < $end} {
        if {[catch {
            if {[chan pending output $fd] == 0} {puts -nonewline $fd $part}
            flush $fd
        }]} {return closed}
        if {[chan pending output $fd] > 0} {pause 1}
    }
    return open
}

if {!$::sanitized} {
    foreach program {vard vardctl} {
        test "hardening is in the program: $program" {
            set path $::build/$program
            set headers [exec readelf -hlW $path]
            assert_match "*DYN (Position-Independent*" $headers
            assert_match "*GNU_RELRO*" $headers
            assert [regexp {GNU_STACK +\S+ \S+ \S+ \S+ \S+ RW } $headers]
            assert_match "*BIND_NOW*" [exec readelf -dW $path]
            set symbols [exec readelf --dyn-syms -W $path]
            assert_match "*__stack_chk_fail*" $symbols
            assert_match "*printf_chk*" $symbols
        }
    }
    # Marks that only the instructions have: 3 of the first are those of the
    # C library's own start.
    if {$::tcl_platform(machine) eq "x86_64"} {
        test "hardening is in the code: branch targets, probes of the stack" {
            foreach {mark least} {endbr64 100 {orq *\$0x0,(%rsp)} 5} {
                set n [exec objdump -d $::vard | grep -c $mark]
                assert {$n >= $least} "$mark: $n"
            }
        }
        test "RocksDB's checksum is the program's, for the linker to see" {
            set n [exec objdump -T $::vard | grep {_ZN7rocksdb6crc32c6Extend} \
                | grep -c {\.text}]
            assert_equal 1 $n
        }
    }
}

test "files are the owner's alone, whatever umask the process was given" {
    set socket $directory/files.sock
    lone_start files sh -c {umask 0; exec "$@"} sh $::vard \
        --unixsocket $socket --logfile $directory/files.log
    set c [resp::connect 127.0.0.1 $lone(port)]
    $c SET k v
    $c -close
    assert_equal 0 [others_may $lone(dir)]
    set paths [all_files $lone(dir)]
    assert {[llength $paths] > 5}
    foreach path $paths {assert_equal 0 [others_may $path] $path}
    assert_equal 0 [others_may $socket]
    lone_stop
    lone_start files2 $::vard --unixsocket $socket --unixsocketperm 770
    assert_equal 070 [format %03o [others_may $socket]]
    lone_stop
}

# A volume of Kubernetes: fsGroup (2770), emptyDir (777).
test "a data directory that others can write is used, with a warning" {
    foreach mode {0700 02770 0777} warned {0 1 1} {
        file mkdir $directory/open$mode
        file attributes $directory/open$mode -permissions $mode
        lone_start open$mode $::vard
        set c [resp::connect 127.0.0.1 $lone(port)]
        assert_equal OK [$c SET k v]
        $c -close
        assert_equal $warned [string match \
            "*other users can write to the data directory*" \
            [read_file $lone(log)]] $mode
        lone_stop
    }
}

test "root refuses another user's data directory" {
    if {[exec id -u] ne "0"} {return}
    file mkdir $directory/given
    exec chown 4711 $directory/given
    lassign [run_program timeout 20 $::vard --port [free_port] \
        --dir $directory/given] status output
    assert_equal 1 $status
    assert_match "*belongs to another user*" $output
}

test "passwords: not in /proc, the log, a crash report, a message" {
    lone_start secret $::vard --requirepass xyzzy-one --loglevel debug
    set line [read_file /proc/$lone(pid)/cmdline]
    assert {[string first xyzzy $line] < 0}
    assert_match "*requirepass*" $line
    set c [resp::connect 127.0.0.1 $lone(port)]
    assert_match "-WRONGPASS*" [$c -typed AUTH xyzzy-two]
    assert_match "-WRONGPASS*" [$c -typed HELLO 3 AUTH default xyzzy-two]
    assert_equal OK [$c AUTH xyzzy-one]
    $c CONFIG SET requirepass xyzzy-three
    assert {[string first xyzzy [$c INFO everything]] < 0}
    signal_process $lone(pid) SEGV
    wait_process_end $lone(pid) 20000
    set log [read_file $lone(log)]
    assert_match "*vard crash report: begin*" $log
    assert_match "*failed authentication*" $log
    assert {[string first xyzzy $log] < 0}
    lassign [run_program $::vard --requirepas xyzzy] status output
    assert_equal 1 $status
    assert {[string first xyzzy $output] < 0}
}

test "open files: the limit is raised to what maxclients needs" {
    lone_start files3 prlimit --nofile=100:8000 $::vard --maxclients 2000
    regexp {Max open files +([0-9]+)} \
        [read_file /proc/$lone(pid)/limits] -> soft
    assert_equal 3024 $soft
    lone_stop
}

# Without privileges, or root would raise the limit.
test "open files: clients cannot use up those that the store needs" {
    lone_start files4 setpriv --bounding-set=-all --inh-caps=-all \
        prlimit --nofile=400:400 $::vard --maxclients 1000
    set c [resp::connect 127.0.0.1 $lone(port)]
    assert_equal {maxclients 200} [$c CONFIG GET maxclients]
    assert_equal OK [$c CONFIG SET maxclients 5000]
    assert_equal {maxclients 200} [$c CONFIG GET maxclients]
    set sockets {}
    for {set i 0} {$i < 500} {incr i} {
        lappend sockets [socket -async 127.0.0.1 $lone(port)]
    }
    wait_for_condition 10000 {[string match "*rejected_connections:301*" \
        [$c INFO stats]]}
    set files [glob /proc/$lone(pid)/fd/*]
    assert {[llength $files] < 300}
    assert {[string first "Too many open files" [read_file $lone(log)]] < 0}
    foreach fd $sockets {close $fd}
    lone_stop
}

# In a network of its own, where the machine has an address that is not that
# of loopback; a script speaks there.
test "protected mode: without a password, only this machine is served" {
    set script $directory/protected.tcl
    write_file $script {
        lassign $argv vard dir port
        exec ip addr add 10.99.0.1/32 dev lo
        exec ip link set lo up
        set pid [exec setpriv --pdeathsig KILL $vard --port $port --dir $dir \
            --bind 10.99.0.1 127.0.0.1 --min-free-disk 1mb >& $dir.log &]
        foreach {host line} {
            127.0.0.1 PING 10.99.0.1 PING 10.99.0.1 PING 127.0.0.1 "INFO stats"
            127.0.0.1 "CONFIG SET requirepass x" 10.99.0.1 "ECHO with"
            127.0.0.1 "AUTH x\r\nCONFIG SET requirepass \"\" protected-mode no"
            10.99.0.1 "ECHO open"
        } {
            for {set i 0} {$i < 1000} {incr i} {
                if {![catch {socket $host $port} fd]} break
                after 20
            }
            # It may be rejected before it sends anything.
            catch {puts $fd $line\r; puts $fd QUIT\r; flush $fd}
            puts [read $fd]
            close $fd
        }
        exec kill -KILL $pid
    }
    lassign [run_program timeout 60 unshare --net tclsh $script $::vard \
        $directory/protected [free_port]] status output
    assert_match "+PONG*-DENIED vard is running in protected mode*" $output
    # Who is rejected does not count as received, as in redis-server.
    assert_match "*total_connections_received:2*" $output
    assert_match "*rejected_connections:2*" $output
    # A password of one character is one; and it may be switched off.
    assert_match "*-NOAUTH Authentication required.*\nopen\n*" $output
    assert_equal 2 [regexp -all DENIED $output]
}

start_server {loglevel debug} {
    test "dangerous commands of redis-server do not exist" {
        foreach command {{DEBUG SLEEP 0} {MODULE LIST} {MIGRATE h 1 k 0 1}
            {SLAVEOF h 1} {REPLICAOF h 1} {EVAL x 0} {SCRIPT FLUSH} {SAVE}
            {BGREWRITEAOF} {SYNC} {PSYNC ? -1}
            {MONITOR} {FUNCTION LIST} {CLUSTER MEET h 1}} {
            assert_match "-ERR unknown command*" [node_typed 1 {*}$command] \
                $command
        }
    }

    test "files, addresses and secrets cannot be set from outside" {
        foreach option {dir logfile pidfile unixsocket trace-file bind port
            peer-secret cluster-id node-id unixsocketperm enable-debug-command} {
            assert_match "-ERR*" [node_typed 1 CONFIG SET $option /tmp/x] $option
        }
        assert_match "-ERR*" [node_typed 1 CONFIG SET dbfilename x.so]
        assert_match "-ERR*" [node_typed 1 CONFIG REWRITE]
        assert_equal $nodes(1,dir) [lindex [r CONFIG GET dir] 1]
    }

    test "a request of a web browser: closed, logged, nothing executed" {
        foreach first {"POST / HTTP/1.1" "GET / HTTP/1.1"} {
            set c [node_client 1]
            $c -raw "$first\r\nHost: localhost\r\n\r\nSET browser 1\r\n"
            assert [$c -eof] $first
            $c -close
        }
        assert_equal 0 [r EXISTS browser]
        assert_match "*Possible SECURITY ATTACK*" [read_file $nodes(1,log)]
    }

    test "what clients send cannot forge a line of the log" {
        foreach byte {"\n" "\x1b" "\r" "\x7f" "\0"} {
            set c [node_client 1]
            $c -raw "*1\r\n${byte}1:M forged\r\n"
            assert_match "-ERR Protocol error: expected*" [$c -readtyped]
            $c -close
        }
        set log [read_file $nodes(1,log)]
        assert_match {*expected '$', got '\\x1b'*} $log
        assert {![regexp {[\x01-\x09\x0b-\x1f\x7f]} $log]}
        foreach line [split [string trimright $log \n] \n] {
            assert [regexp {^[0-9]+:[A-Z] [0-9]+ } $line] $line
        }
    }

    test "patterns and lists of names take no time to speak of" {
        set pattern [string repeat "*a" 500]b
        assert_equal {} [r COMMAND LIST FILTERBY PATTERN $pattern]
        assert_equal {} [r CONFIG GET $pattern]
        assert_match "-ERR a pattern is too long*" [node_typed 1 COMMAND LIST \
            FILTERBY PATTERN "*\[[string repeat z 2000000]"]
        assert_match "-ERR too many commands*" [node_typed 1 COMMAND INFO \
            {*}[lrepeat 100000 get]]
        assert_match "-ERR too many commands*" [node_typed 1 COMMAND DOCS \
            {*}[lrepeat 100000 get]]
    }

    test "announced lengths take no memory" {
        set clients {}
        r PING
        set before [resident_kb $nodes(1,pid)]
        for {set i 0} {$i < 100} {incr i} {
            set c [node_client 1]
            $c -raw "*1048576\r\n\$3\r\nSET\r\n\$67108864\r\nx"
            lappend clients $c
        }
        # All were read when the last one's byte was.
        wait_for_condition 20000 {[regexp -all {qbuf=[1-9]} \
            [r CLIENT LIST]] >= 100}
        set grown [expr {[resident_kb $nodes(1,pid)] - $before}]
        if {!$::sanitized} {assert {$grown < 40000}}
        foreach c $clients {$c -close}
    }

    test "a slow reader is closed at its limit; others go on" {
        r CONFIG SET client-output-buffer-limit "normal 4mb 0 0"
        r SET slow [string repeat z 2000000]
        set before [info_of 1 client_output_buffer_limit_disconnections]
        set c [node_client 1]
        $c -raw [string repeat "GET slow\r\n" 20]
        # Slow replies pause the client; one large reply passes the limit.
        r SET slow [string repeat z 5000000]
        $c -raw "GET slow\r\n"
        set d [node_client 1]
        $d -raw "GET slow\r\n"
        wait_for_condition 20000 \
            {[info_of 1 client_output_buffer_limit_disconnections] > $before}
        assert_equal PONG [r PING]
        $c -close
        $d -close
        r CONFIG SET client-output-buffer-limit "normal 1gb 256mb 60"
        r DEL slow
    }

    test "a slow reader is closed at the soft limit, but not at once" {
        r CONFIG SET client-output-buffer-limit "normal 0 1mb 2"
        # More than the kernel's buffers take.
        r SET slow [string repeat z 40000000]
        set before [info_of 1 client_output_buffer_limit_disconnections]
        set since [clock milliseconds]
        set c [node_client 1]
        $c -raw "GET slow\r\n"
        wait_for_condition 20000 \
            {[info_of 1 client_output_buffer_limit_disconnections] > $before}
        assert {[clock milliseconds] - $since >= 2000}
        $c -close
        r CONFIG SET client-output-buffer-limit "normal 1gb 256mb 60"
        r DEL slow
    }

    test "an idle client is closed, those who speak are not" {
        set idle [node_client 1]
        set id [$idle CLIENT ID]
        set since [clock milliseconds]
        r CONFIG SET timeout 2
        wait_for_condition 20000 {![string match "*id=$id *" [r CLIENT LIST]]}
        assert {[clock milliseconds] - $since >= 1900}
        assert [$idle -eof]
        assert_equal PONG [r PING]
        $idle -close
        r CONFIG SET timeout 0
    }

    test "an unfinished request is closed at the query limit" {
        r CONFIG SET proto-max-bulk-len 1mb client-query-buffer-limit 1mb
        set c [node_client 1]
        set megabyte [string repeat x 1000000]
        set part "\$1000000\r\n$megabyte\r\n"
        $c -raw "*10\r\n"
        assert_equal closed [flood $c $part]
        $c -close
        assert {[info_of 1 client_query_buffer_limit_disconnections] >= 1}
        r CONFIG SET proto-max-bulk-len 64mb client-query-buffer-limit 128mb
    }

    test "all clients together: the largest is closed, not who asked not to be" {
        r CLIENT NO-EVICT on
        set small [node_client 1]
        set guarded [node_client 1]
        $small PING
        $guarded CLIENT NO-EVICT on
        r CONFIG SET maxmemory-clients 8mb
        set value [string repeat x 3000000]
        $guarded -raw "*3\r\n\$3\r\nSET\r\n\$1\r\nk\r\n\$4000000\r\n$value"
        set large [node_client 1]
        $large -raw "*3\r\n\$3\r\nSET\r\n\$1\r\nk\r\n\$40000000\r\n"
        assert_equal closed [flood $large $value]
        assert {[info_of 1 evicted_clients] >= 1}
        assert_equal PONG [$small PING]
        $guarded -raw "[string repeat x 1000000]\r\n"
        assert_equal +OK [$guarded -readtyped]
        r CONFIG SET maxmemory-clients 2gb
        foreach c [list $small $guarded $large] {$c -close}
    }
}

start_server {requirepass "s3cret"} {
    test "before the password: replies that nobody reads" {
        set before [info_of 1 client_output_buffer_limit_disconnections]
        set c [resp::connect 127.0.0.1 $nodes(1,port)]
        assert_equal closed [flood $c [string repeat "PING\r\n" 5000]]
        $c -close
        assert {[info_of 1 client_output_buffer_limit_disconnections] > $before}
    }

    test "before the password: many half requests take little memory" {
        set clients {}
        r PING
        set before [resident_kb $nodes(1,pid)]
        for {set i 0} {$i < 200} {incr i} {
            set c [resp::connect 127.0.0.1 $nodes(1,port)]
            $c -raw "*10\r\n\$16384\r\nx"
            lappend clients $c
        }
        wait_for_condition 20000 {[regexp -all {qbuf=[1-9]} \
            [r CLIENT LIST]] >= 200}
        set grown [expr {[resident_kb $nodes(1,pid)] - $before}]
        if {!$::sanitized} {assert {$grown < 40000}}
        foreach c $clients {$c -close}
    }

    test "guessing: ten wrong passwords, and the connection is closed" {
        set c [resp::connect 127.0.0.1 $nodes(1,port)]
        for {set i 0} {$i < 10} {incr i} {
            assert_match "-WRONGPASS*" [$c -typed AUTH guess$i]
        }
        assert [$c -eof]
        $c -close
        set log [read_file $nodes(1,log)]
        assert_match "*failed authentication*127.0.0.1:*" $log
        assert {[string first guess $log] < 0}
    }

    test "broken requests in a row do not hinder others" {
        for {set i 0} {$i < 300} {incr i} {
            set c [resp::connect 127.0.0.1 $nodes(1,port)]
            catch {$c -raw "*x\r\n"}
            $c -close
        }
        assert_equal PONG [r PING]
    }
}

start_cluster 3 {} {
    set lead [wait_for_leader]
    set follow [lindex [followers $lead] 0]
    foreach {where id} [list leader $lead follower $follow] {
        test "a client that shuts its sending side gets its replies ($where)" {
            set c [node_client $id]
            $c -raw "DEL half\r\n[string repeat "INCR half\r\n" 500]GET half\r\nPING\r\n"
            chan close [$c -fd] write
            $c -read
            for {set i 1} {$i <= 500} {incr i} {
                assert_equal $i [$c -read]
            }
            assert_equal 500 [$c -read]
            assert_equal PONG [$c -read]
            assert [$c -eof]
            $c -close
        }
    }
}
