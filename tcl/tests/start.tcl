# What a node says and does at its start, and what of it others can see.

set dir $::env(VARD_TEST_DIR)/start
file mkdir $dir

# Starts a single node with these lines; returns its folder's name.
set starts 0
proc begin_node {text args} {
    set name $::dir/node[incr ::starts]
    file mkdir $name
    write_file $name/conf "dir $name\nlogfile $name/log\nmin-free-disk 0\n$text"
    set ::node(pid) [start_process $name/out $::vard $name/conf {*}$args]
    wait_for_condition 10000 {[file exists $name/log] &&
        [string match "*Ready to accept*" [read_file $name/log]]}
    return $name
}

proc end_node {name} {
    signal_process $::node(pid) TERM
    wait_process_end $::node(pid) 10000
    return [read_file $name/log]
}

# The log of a node that was started and stopped.
proc log_of {text args} {
    set name [begin_node "$text\nunixsocket $::dir/socket\n" {*}$args]
    return [end_node $name]
}

# A node that does not start; its status, error output, output, and log.
proc failed_start {text} {
    set name $::dir/node[incr ::starts]
    file mkdir $name
    write_file $name/conf "dir $name\nlogfile $name/log\nmin-free-disk 0\n$text"
    lassign [run_program sh -c {exec "$@" 2>"$0"} $name/err \
        timeout -k 5 10 $::vard $name/conf] status output
    set log ""
    if {[file exists $name/log]} {set log [read_file $name/log]}
    return [list $status [read_file $name/err] $output $log]
}

test "a configuration that is wrong is told on standard error" {
    lassign [failed_start "nosuch 1\n"] status err output log
    assert_equal 1 $status
    assert_equal "" $output
    assert_equal "" $log
    assert_match "*line 4*nosuch 1*unknown option*\n" $err
    lassign [failed_start "port 1 2\n"] status err output log
    assert_equal "" $output
    assert_match "*>>> port 1 2\n*\n" $err
    assert {![string match "*\n\n" $err]}
}

test "a start that fails is told on standard error and in the log" {
    lassign [failed_start "port 0\nunixsocket $::dir/socket\n\
        trace-file /nowhere/trace\n"] status err output log
    assert_equal 1 $status
    assert_match "vard: cannot start: */nowhere/trace*No such file*\n" $err
    lassign [failed_start "port 0\nunixsocket /nowhere/s\n"] \
        status err output log
    assert_equal 1 $status
    assert_equal "" $output
    assert_match "vard: cannot start: *Unix socket /nowhere/s: No such file*\n" \
        $err
    assert_match "*cannot start: *Unix socket /nowhere/s: No such file*" $log
}

test "a peer address in use ends the start" {
    set port [free_port]
    set fd [socket -server {apply {args {}}} -myaddr 127.0.0.1 $port]
    lassign [failed_start "port 0\nunixsocket $dir/socket\nnode-id 1\n\
        node 1 127.0.0.1:$port\nnode 2 127.0.0.1:1\n"] status err output log
    close $fd
    assert_equal 1 $status
    assert_match "vard: cannot start: *127.0.0.1:$port*" $err
}

test "the log says what is not as safe as it could be, and nothing else" {
    set log [log_of "port 0\n"]
    foreach text {"no config file" "without a password" "peer-secret" RocksDB
        "other users" "may open only"} {
        assert {[string first $text $log] < 0} $text
    }
    set open "protected-mode no\nport [free_port]\nbind *\n"
    assert_match "*listening on all addresses without a password*" \
        [log_of $open]
    assert {![string match "*without a password*" \
        [log_of "${open}requirepass x\n"]]}
    set two "port 0\nnode-id 1\nnode 1 127.0.0.1:[free_port]\n\
        node 2 127.0.0.1:1\n"
    assert_match "*no peer-secret is set*" [log_of $two]
    assert {![string match "*no peer-secret*" \
        [log_of "${two}peer-secret x\n"]]}
    assert {![string match "*no peer-secret*" \
        [log_of "port 0\nnode-id 0\nnode 0 127.0.0.1:[free_port]\n"]]}
}

test "options with one value are noticed in the log, each of them" {
    set log [log_of "port 0\nappendonly yes\nsave \"\"\nio-threads 1\n"]
    foreach name {appendonly save io-threads} {
        assert_match "*option $name *: the only value in vard*" $log
    }
    assert {![string match "*option appendfsync*" $log]}
}

test "all addresses are open, and close when the node ends" {
    set port [free_port]
    set name [begin_node "port $port\nbind 127.0.0.1 127.0.0.2 127.0.0.3\n\
        unixsocket $dir/socket\n"]
    foreach host {127.0.0.1 127.0.0.2 127.0.0.3} {
        set c [resp::connect $host $port]
        assert_equal PONG [$c PING]
        $c -close
    }
    assert_equal PONG [exec redis-cli -s $dir/socket PING]
    end_node $name
    assert {![file exists $dir/socket]}
}

# The value of a field of INFO.
proc field {info name} {
    assert {[regexp "\n$name:(\[^\r\n]*)" $info all value]} $name
    return $value
}

test "what the program knows of itself is in INFO and in the log" {
    set ids {}
    for {set i 0} {$i < 2} {incr i} {
        set port [free_port]
        set name [begin_node "port $port\nbind 127.0.0.1\n"]
        set c [resp::connect 127.0.0.1 $port]
        set info [$c INFO server]
        $c SET a 1
        $c -close
        assert_equal [file normalize $vard] [field $info executable]
        assert_equal $::node(pid) [field $info process_id]
        assert_equal $port [field $info tcp_port]
        assert_equal $name/conf [field $info config_file]
        lappend ids [field $info run_id]
        set log [end_node $name]
        # It leads when it has executed a write.
        assert_match "*$::node(pid):M *Received SIGTERM, shutting down*" $log
        assert_match "*pid $::node(pid), node 1 of 1, data in $name\n*" $log
        # Its files, and no others; an operator may look for them.
        assert_equal {LOCK.vard conf db log out reserve watermark} \
            [lsort [lmap file [glob $name/*] {file tail $file}]]
    }
    assert {[lindex $ids 0] ne [lindex $ids 1]}
}

test "without a file that is said" {
    file mkdir $dir/nofile
    set pid [start_process $dir/nofile/out $vard --dir $dir/nofile --logfile \
        $dir/nofile/log --port 0 --unixsocket $dir/socket]
    wait_for_condition 10000 {[file exists $dir/nofile/log] &&
        [string match "*Ready to accept*" [read_file $dir/nofile/log]]}
    signal_process $pid TERM
    wait_process_end $pid 10000
    assert_match "*no config file specified*" [read_file $dir/nofile/log]
}

test "a secret on the command line is not seen; a trace is written" {
    set port [free_port]
    set name [begin_node "port $port\nbind 127.0.0.1\n\
        trace-file $dir/trace\n" --requirepass t0psecret]
    set line [read_file /proc/$::node(pid)/cmdline]
    assert {[string first requirepass $line] > 0}
    assert {[string first t0psecret $line] < 0}
    set c [resp::connect 127.0.0.1 $port]
    assert_equal OK [$c AUTH t0psecret]
    $c SET a 1
    $c -close
    end_node $name
    set lines [split [string trim [read_file $dir/trace]] \n]
    assert {[llength $lines] > 5}
    foreach line $lines {
        assert {[regexp {^[0-9]+ } $line]} $line
    }
    file delete $dir/trace
}
