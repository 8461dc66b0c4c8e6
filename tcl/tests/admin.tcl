# INFO, ROLE, CONFIG, CLIENT, COMMAND, RAFT, SHUTDOWN: what tools read.

proc info_fields {text} {
    set fields [dict create]
    foreach line [split $text \n] {
        set line [string trimright $line \r]
        if {[regexp {^([a-z_0-9A-Z]+):(.*)$} $line -> name value]} {
            dict set fields $name $value
        }
    }
    return $fields
}

start_cluster 3 {} {
    set lead [wait_for_leader]
    set follow [lindex [followers $lead] 0]

    test "INFO has the fields that clients read" {
        R $lead SET infokey v EX 1000
        set fields [info_fields [R $lead INFO]]
        foreach {name pattern} {
            redis_version [0-9]*.[0-9]*.[0-9]*
            redis_mode standalone
            process_id [0-9]*
            tcp_port [0-9]*
            uptime_in_seconds [0-9]*
            connected_clients [0-9]*
            used_memory [0-9]*
            maxmemory_policy noeviction
            loading 0
            total_connections_received [0-9]*
            total_commands_processed [0-9]*
            role master
            connected_slaves [0-9]*
            raft_role leader
            raft_leader_id [0-9]
            raft_term [0-9]*
            raft_commit_index [0-9]*
            raft_applied_index [0-9]*
            db0 keys=*,expires=*,avg_ttl=*
        } {
            assert {[dict exists $fields $name]} $name
            assert_match $pattern [dict get $fields $name] $name
        }
        foreach {section field} {server redis_version clients
            connected_clients memory used_memory stats total_commands_processed
            replication role cpu used_cpu_sys keyspace db0 raft raft_role} {
            set text [R $lead INFO $section]
            assert_match "# *" $text $section
            assert {[dict exists [info_fields $text] $field]} $section
            assert_equal 1 [regexp -all -line {^# } $text] $section
        }
        assert {[string first \r\n [R $lead INFO]] > 0}
        foreach section {all everything default} {
            assert_match "*raft_role:leader*" [R $lead INFO $section]
        }
        assert_match "*cmdstat_set:calls=*" [R $lead INFO commandstats]
    }

    test "INFO: the mean time to live" {
        R $lead SELECT 5
        R $lead SET a 1 EX 1000
        R $lead SET b 1 EX 3000
        R $lead SET c 1
        R $lead SELECT 0
        set text [dict get [info_fields [R $lead INFO keyspace]] db5]
        assert [regexp {^keys=3,expires=2,avg_ttl=([0-9]+)$} $text -> ttl]
        assert {$ttl <= 2000000 && $ttl > 1900000} $ttl
    }

    test "INFO: what reads found, what expired, on the node that was asked" {
        R $follow CONFIG RESETSTAT
        R $lead CONFIG RESETSTAT
        R $follow SET here 1
        R $follow SET soon 1 PX 1
        wait_for_condition 5000 {
            [dict get [info_fields [R $follow INFO stats]] expired_keys] == 1}
        R $follow GET here
        R $follow EXISTS here nosuch
        R $follow INCR here
        R $follow MGET here nosuch soon
        set fields [info_fields [R $follow INFO stats]]
        assert_equal 3 [dict get $fields keyspace_hits]
        assert_equal 3 [dict get $fields keyspace_misses]
        set fields [info_fields [R $lead INFO stats]]
        assert_equal 0 [dict get $fields keyspace_hits]
        assert_equal 1 [dict get $fields expired_keys]
        # Writes that answer with what was there, on the client's node alone;
        # one that is repeated is not executed again.
        R $follow SET here 2 GET
        R $follow GETDEL nosuch
        R $follow ONCE c 1 GETEX here
        R $follow ONCE c 1 GETEX here
        R $follow SET here 3 NX
        set fields [info_fields [R $follow INFO stats]]
        assert_equal 5 [dict get $fields keyspace_hits]
        assert_equal 4 [dict get $fields keyspace_misses]
        set fields [info_fields [R $lead INFO stats]]
        assert_equal 0 [dict get $fields keyspace_hits]
        assert_equal 0 [dict get $fields keyspace_misses]
    }

    proc memory_of_clients {id} {
        return [dict get [info_fields [R $id INFO memory]] mem_clients_normal]
    }

    test "clients that are silent keep no buffers" {
        set before [memory_of_clients $follow]
        set clients {}
        for {set i 0} {$i < 50} {incr i} {
            lappend clients [node_client $follow]
            [lindex $clients end] ECHO [string repeat e 10000]
        }
        set pairs {}
        for {set i 0} {$i < 20000} {incr i} {lappend pairs k$i v}
        [lindex $clients end] MSET {*}$pairs
        set used [expr {[memory_of_clients $follow] - $before}]
        assert {$used < 3000000} $used
        wait_for_condition 10000 {
            [memory_of_clients $follow] - $before < 50 * 3300}
        foreach c $clients {
            assert_equal PONG [$c PING]
            $c -close
        }
    }

    test "INFO on a follower" {
        set fields [info_fields [R $follow INFO]]
        assert_equal follower [dict get $fields raft_role]
        assert_equal $lead [dict get $fields raft_leader_id]
        assert_equal slave [dict get $fields role]
        assert_equal up [dict get $fields master_link_status]
        assert_equal 0 [dict get $fields master_last_io_seconds_ago]
        assert_equal $nodes($lead,port) [dict get $fields master_port]
    }

    test "ROLE" {
        assert_equal master [lindex [R $lead ROLE] 0]
        set role [R $follow ROLE]
        assert_equal "slave 127.0.0.1 $nodes($lead,port)" [lrange $role 0 2]
        assert_equal connected [lindex $role 3]
    }

    test "RAFT STATUS, and its errors" {
        assert_match "*leader*" [R $lead RAFT STATUS]
        assert_match "*follower*" [R $follow RAFT STATUS]
        assert_error "ERR*" {R $lead RAFT WHAT}
        assert_error "ERR*" {R $lead RAFT TRANSFER 99}
        assert_error "ERR*" {R $lead RAFT TRANSFER x}
    }

    test "RAFT MEMBERS: those of the options, until an entry says more" {
        foreach id [list $lead $follow] {
            array set got [R $id RAFT MEMBERS]
            assert_equal {0 1 3} [list $got(entry) $got(level) \
                [llength $got(members)]]
            foreach member $got(members) {
                assert_equal {voter 0} [list [dict get $member role] \
                    [dict get $member life]]
            }
        }
        assert_error "ERR*" {R $lead RAFT MEMBERS x}
        # What the leader alone knows, others do not make up.
        foreach {id wanted} [list $lead {1 1 {} {}} $follow {{} {} {} {}}] {
            wait_for_condition 20000 {
                [set map [R $id RAFT MEMBERS]; lmap name {tolerates done next waits} {
                    dict get $map $name}] eq $wanted} {error "node $id: $map"}
            set address [expr {$id == $lead ? "" : "127.0.0.1:$nodes($lead,port)"}]
            assert_equal [list $lead $address] \
                [list [dict get $map leader] [dict get $map leader-address]]
        }
    }

    test "RAFT TRANSFER moves leadership to the node named" {
        foreach target [list $follow $lead] {
            R [wait_for_leader] RAFT TRANSFER $target
            wait_for_condition 5000 {[leader_now] == $target}
            wait_for_leader
        }
    }

    test "CONFIG GET, with patterns" {
        assert_equal "port $nodes($lead,port)" [R $lead CONFIG GET port]
        assert_equal {} [R $lead CONFIG GET nosuch*]
        array set got [R $lead CONFIG GET max* appendonly]
        assert_equal yes $got(appendonly)
        assert_equal 10000 $got(maxclients)
        assert_equal noeviction $got(maxmemory-policy)
        assert {[llength [R $lead CONFIG GET *]] > 40}
    }

    test "CONFIG SET: one, several, none of them if one is wrong" {
        assert_equal OK [R $lead CONFIG SET timeout 0 loglevel verbose]
        assert_equal "loglevel verbose" [R $lead CONFIG GET loglevel]
        assert_error "ERR *" {
            R $lead CONFIG SET loglevel notice maxclients nonsense
        }
        assert_equal "loglevel verbose" [R $lead CONFIG GET loglevel]
        assert_error "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'" {
            R $lead CONFIG SET nosuch 1
        }
        assert_error "ERR CONFIG SET failed (possibly related to argument 'port') - can't set immutable config" {
            R $lead CONFIG SET port 1
        }
        assert_error "ERR wrong number of arguments for 'config|set' command" {
            R $lead CONFIG SET timeout
        }
        R $lead CONFIG SET loglevel notice
    }

    test "CLIENT LIST, INFO, ID, SETNAME, SETINFO" {
        set c [node_client $follow]
        $c CLIENT SETNAME lister
        $c CLIENT SETINFO LIB-NAME mylib
        $c SELECT 2
        set id [$c CLIENT ID]
        set line [string trim [$c CLIENT INFO]]
        foreach field {addr= laddr= fd= age= idle= flags= sub= psub= multi=
            qbuf= obl= oll= omem= events= cmd= user=default resp=2 db=2
            name=lister} {
            assert {[string first " $field" $line] > 0} $field
        }
        assert_match "id=$id addr=*" $line
        set list [R $follow CLIENT LIST]
        assert {[string first "id=$id " $list] >= 0}
        assert_match "*id=$id *" [R $follow CLIENT LIST ID $id]
        assert_error "ERR*" {$c CLIENT SETINFO nosuch x}
        assert_equal OK [$c CLIENT SETNAME ""]
        assert_equal nil [$c -typed CLIENT GETNAME]
        $c -close
    }

    test "COMMAND, COUNT, INFO, LIST, DOCS" {
        set count [R $lead COMMAND COUNT]
        set all [R $lead COMMAND]
        assert_equal $count [llength $all]
        # The list has the subcommands too, "config|get".
        assert_equal $count [llength [lsearch -all -not [R $lead COMMAND LIST] \
            *|*]]
        set get [lindex [R $lead COMMAND INFO get] 0]
        assert_equal {get 2} [lrange $get 0 1]
        assert {"readonly" in [lindex $get 2] && "fast" in [lindex $get 2]}
        assert_equal {1 1 1} [lrange $get 3 5]
        assert_equal nil [lindex [lmap i [R $lead COMMAND INFO get nosuch] {
            expr {$i eq "" ? "nil" : "known"}
        }] 1]
        array set docs [R $lead COMMAND DOCS set]
        assert {[dict exists $docs(set) summary]}
        assert_equal string [dict get $docs(set) group]
        assert_equal {} [R $lead COMMAND DOCS nosuch]
    }

    test "SHUTDOWN of a follower: it ends, the others go on" {
        set c [node_client $follow]
        $c -send SHUTDOWN
        wait_process_end $nodes($follow,pid) 10000
        $c -close
        R $lead SET after shutdown
        restart_node $follow
        wait_for_leader
        assert_equal shutdown [R $follow GET after]
    }

    test "the log has Redis's form, and says when it is ready" {
        set log [read_file $nodes($lead,log)]
        assert_match "*Ready to accept connections*" $log
        assert [regexp -line {^[0-9]+:[A-Z] [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8}\.[0-9]{3} [.*#-] } \
            $log]
    }
}
