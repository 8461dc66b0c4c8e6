# Starting with wrong and right options: what is said, and the exit status.

set dir $::env(VARD_TEST_DIR)/conf
file mkdir $dir

# Writes a configuration and starts vard with it; {status output}.
proc try_config {text args} {
    write_file $::dir/vard.conf $text
    return [run_program timeout -k 5 10 $::vard $::dir/vard.conf {*}$args]
}

test "--version and --help end well" {
    foreach option {-v --version -h --help} {
        lassign [run_program $vard $option] status output
        assert_equal 0 $status $option
        assert {$output ne ""}
    }
}

test "what was asked for is on standard output" {
    foreach {option begin end} {
        --version "vard v=*" "*bits=* build=*\n"
        -v "vard v=*" "*bits=* build=*\n"
        --help "vard *: a strongly consistent *" "*\n  --*\n"
        -h "vard *: a strongly consistent *" "*\n  --*\n"
    } {
        set err $::env(VARD_TEST_DIR)/err
        lassign [run_program sh -c {exec "$@" 2>"$0"} $err $vard $option] \
            status output
        assert_equal 0 $status $option
        assert_match $begin $output
        assert_match $end $output\n
        assert {![string match "*\n\n\n*" $output]} $option
        assert_equal "" [read_file $err] $option
    }
}

test "an error ends its line" {
    foreach word {--no-such /no/such.conf "--port x"} {
        assert_equal {\n} [string trim [exec sh -c \
            {"$1" $2 2>&1 | tail -c 1 | od -An -c} sh $vard $word]] $word
    }
}

test "an unknown option: file, line, the line, the nearest one" {
    lassign [try_config "# comment\nport 7000\nelection-timeot 300\n"] \
        status output
    assert_equal 1 $status
    assert_match "*vard.conf*3*election-timeot*election-timeout*" \
        [string map {\n " "} $output]
}

test "wrong values, each with its line" {
    foreach line {
        "port 99999"
        "port abc"
        "loglevel loud"
        "daemonize maybe"
        "proto-max-bulk-len 12parsecs"
        "port"
        "requirepass \"open"
        "maxmemory-policy allkeys-lru"
        "election-timeout 1"
        "node 1 nonsense"
        "databases 0"
    } {
        lassign [try_config "\n$line\n"] status output
        assert_equal 1 $status $line
        assert {[string first [lindex [split $line] 0] $output] >= 0} \
            "$line: $output"
        assert {[regexp {\m2\M} $output]} "no line number: $output"
    }
}

test "options that do not fit together" {
    lassign [try_config "node-id 7\nnode 1 127.0.0.1:7101\nnode 2 127.0.0.1:7102\n"] \
        status output
    assert_equal 1 $status
    assert_match "*7*" $output
    lassign [try_config "node-id 1\nnode 1 127.0.0.1:7101\nnode 1 127.0.0.1:7102\n"] \
        status output
    assert_equal 1 $status
}

test "a file that is not there; a data directory that cannot be" {
    lassign [run_program timeout 10 $vard $dir/nosuch.conf] status output
    assert_equal 1 $status
    assert_match "*nosuch.conf*" $output
    write_file $dir/nowhere ""
    lassign [try_config "port [free_port]\ndir $dir/nowhere/at/all\n"] \
        status output
    assert_equal 1 $status
    assert_match "*nowhere*" $output
}

test "options come from standard input, too" {
    lassign [run_program sh -c {printf 'port 1\nnosuch 1\n' | "$@"} sh \
        timeout -k 5 10 $vard -] status output
    assert_equal 1 $status
    assert_match "*standard input, line 2*>>> nosuch 1*" $output
    write_file $dir/first.conf "port 1\n"
    lassign [run_program sh -c {printf 'prot 1\n' | "$@"} sh \
        timeout -k 5 10 $vard $dir/first.conf --hz 10 -] status output
    assert_equal 1 $status
    assert_match "*standard input, line 1*did you mean 'port'*" $output
}

test "a port in use is named" {
    set port [free_port]
    set fd [socket -server {apply {args {}}} -myaddr 127.0.0.1 $port]
    file mkdir $dir/busy
    lassign [try_config "port $port\nbind 127.0.0.1\ndir $dir/busy\n"] \
        status output
    close $fd
    assert_equal 1 $status
    assert_match "*$port*" $output
}

test "an address that is not this machine's: what bind is about" {
    file mkdir $dir/foreign
    lassign [try_config "port [free_port]\nbind 203.0.113.5\n\
        dir $dir/foreign\n"] status output
    assert_equal 1 $status
    assert_match "*203.0.113.5*requested address*bind*" $output
}

test "daemonize: whoever starts it gets the error, or waits until it serves" {
    file mkdir $dir/daemon
    set common "dir $dir/daemon\ndaemonize yes\nmin-free-disk 0\n\
        pidfile $dir/daemon.pid\n"
    lassign [try_config "$common\nport 0\nunixsocket /nowhere/s\n"] \
        status output
    assert_equal 1 $status
    assert_match "*cannot start*/nowhere/s*No such file*" $output
    assert {![file exists $dir/daemon.pid]}
    set port [free_port]
    lassign [try_config "$common\nport $port\nbind 127.0.0.1\n"] status output
    assert_equal 0 $status $output
    assert_equal "" $output
    set pid [string trim [read_file $dir/daemon.pid]]
    set c [resp::connect 127.0.0.1 $port]
    assert_equal PONG [$c PING]
    $c -close
    signal_process $pid TERM
    wait_for_condition 10000 {![file exists $dir/daemon.pid]}
}

proc notices_of {supervised told} {
    set name $::dir/notify.$supervised
    file mkdir $name
    set listener [start_supervisor $name/out $name/socket]
    set ::env(NOTIFY_SOCKET) $name/socket
    write_file $name/conf "dir $name\nmin-free-disk 0\nport [free_port]\n\
        unixsocket $name/clients\nsupervised $supervised\n"
    set pid [start_process $name/log $::vard $name/conf]
    unset ::env(NOTIFY_SOCKET)
    wait_for_condition 10000 {
        [string match "*Ready to accept*" [read_file $name/log]]}
    if {$told} {
        wait_for_condition 10000 {[string match "READY=1*" \
            [read_file $name/out]]}
    }
    signal_process $pid TERM
    wait_process_end $pid 10000
    if {$told} {
        wait_for_condition 10000 {[string match "*STOPPING=1*" \
            [read_file $name/out]]}
    } else {
        pause 100
    }
    signal_process $listener KILL
    return [split [string trim [read_file $name/out]] \n]
}

test "a supervisor is told when the node is ready, and when it stops" {
    foreach how {systemd auto} {
        set said [notices_of $how 1]
        assert_equal 2 [llength $said] $said
        assert_match "READY=1;STATUS=Ready to accept connections;*" \
            [lindex $said 0]
        assert_match "STOPPING=1;STATUS=Shutting down;*" [lindex $said 1]
    }
    assert_equal {} [notices_of no 0]
}

start_server {} {
    test "a second process on the same data is refused" {
        set text [string map [list "port $nodes(1,port)" "port [free_port]"] \
            [node_config 1]]
        lassign [try_config $text] status output
        assert_equal 1 $status
        assert {$output ne ""}
        assert_equal PONG [r PING]
    }

    test "the command line overrides the file" {
        set port [free_port]
        file mkdir $dir/over
        write_file $dir/over.conf \
            "port 1\nbind 127.0.0.1\ndir $dir/over\nmin-free-disk 0\n"
        set pid [start_process $dir/over.log $vard $dir/over.conf \
            --port $port --loglevel verbose]
        wait_for_condition 10000 {![catch {
            set c [resp::connect 127.0.0.1 $port]
            $c PING
        }]}
        assert_equal "loglevel verbose" [$c CONFIG GET loglevel]
        $c -close
        signal_process $pid TERM
        wait_process_end $pid 10000
    }

    test "a node's data is refused by a node of another id or cluster" {
        kill_node 1 TERM
        write_file $dir/other.conf "[node_config 1]\nnode-id 2\n\
            node 2 127.0.0.1:[free_port]\nnode 3 127.0.0.1:[free_port]\n"
        lassign [run_program timeout -k 5 10 $vard $dir/other.conf] \
            status output
        assert_equal 1 $status
        assert {$output ne ""}
        restart_node 1
        wait_for_leader
        assert_equal PONG [r PING]
    }
}

test "vard.conf of the house starts a single node as it is" {
    set port [free_port]
    file mkdir $dir/reference
    set pid [start_process $dir/reference.log $vard $root/vard.conf \
        --port $port --dir $dir/reference --logfile "" --daemonize no \
        --pidfile ""]
    wait_for_condition 10000 {![catch {
        set c [resp::connect 127.0.0.1 $port]
        $c SET k v
    } message]} {error "$message [read_file $dir/reference.log]"}
    assert_equal v [$c GET k]
    $c -close
    signal_process $pid TERM
    wait_process_end $pid 10000
    assert_equal {} [crash_lines $dir/reference.log]
}
