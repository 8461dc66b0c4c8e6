# A RESP2/RESP3 client over a plain socket, binary-safe.
#
#   set c [resp::connect 127.0.0.1 6379]
#   $c SET key value           the reply as a Tcl value; an error is thrown
#   $c -typed GET key          the reply with its type: +OK :1 "$text" nil
#                              -ERR... [a b] {k v} #t ,1.5
#   $c -send GET key           only sends; $c -read (or -readtyped) reads one
#   $c -raw BYTES              sends bytes as they are
#   $c -line                   reads one line as it is, without its end
#   $c -eof                    waits for the end of the connection
#   $c -close
#
# Each wait for the first byte of a reply has a limit, resp::timeout_ms.

namespace eval resp {
    variable timeout_ms 20000
    variable count 0
}

proc resp::connect {host port} {
    variable count
    set fd [socket $host $port]
    fconfigure $fd -translation binary -blocking 1 -buffering full \
        -buffersize 65536
    set name ::resp_client_[incr count]
    interp alias {} $name {} resp::dispatch $name $fd
    return $name
}

proc resp::dispatch {name fd args} {
    set first [lindex $args 0]
    switch -exact -- $first {
        -send { write_command $fd [lrange $args 1 end]; flush $fd }
        -buffer { write_command $fd [lrange $args 1 end] }
        -flush { flush $fd }
        -read { return [plain [read_reply $fd]] }
        -readtyped { return [typed [read_reply $fd]] }
        -typed {
            write_command $fd [lrange $args 1 end]
            flush $fd
            return [typed [read_reply $fd]]
        }
        -raw { puts -nonewline $fd [lindex $args 1]; flush $fd }
        -line { wait_readable $fd; return [read_line $fd] }
        -bytes { wait_readable $fd; return [read $fd [lindex $args 1]] }
        -eof { return [wait_eof $fd] }
        -fd { return $fd }
        -close { catch {close $fd}; catch {interp alias {} $name {}} }
        default {
            write_command $fd $args
            flush $fd
            return [plain [read_reply $fd]]
        }
    }
}

proc resp::write_command {fd words} {
    set out "*[llength $words]\r\n"
    foreach word $words {
        append out "\$[string length $word]\r\n" $word "\r\n"
    }
    puts -nonewline $fd $out
}

# Until there is something to read, or the connection has ended.
proc resp::wait_readable {fd} {
    variable timeout_ms
    variable waited
    if {[chan pending input $fd] > 0} return
    set waited($fd) ""
    set timer [after $timeout_ms [list set resp::waited($fd) timeout]]
    fileevent $fd readable [list set resp::waited($fd) ready]
    vwait resp::waited($fd)
    fileevent $fd readable {}
    after cancel $timer
    set result $waited($fd)
    unset waited($fd)
    if {$result eq "timeout"} {
        error "no reply within $timeout_ms ms"
    }
}

# True if the connection ends; what still arrives before is dropped.
proc resp::wait_eof {fd} {
    while 1 {
        if {[catch {wait_readable $fd}]} {return 0}
        if {[catch {read $fd 1} byte]} {return 1}
        if {$byte eq "" && [eof $fd]} {return 1}
    }
}

proc resp::read_line {fd} {
    if {[gets $fd line] < 0} {error "connection closed"}
    if {[string index $line end] eq "\r"} {
        set line [string range $line 0 end-1]
    }
    return $line
}

proc resp::read_bulk {fd len} {
    set data [read $fd $len]
    if {[string length $data] != $len} {error "connection closed"}
    read $fd 2
    return $data
}

proc resp::read_many {fd count} {
    set items {}
    for {set i 0} {$i < $count} {incr i} {lappend items [read_reply $fd 0]}
    return $items
}

# A reply as {type value}; types: + - : $ nil * % ~ > # , ( =
proc resp::read_reply {fd {wait 1}} {
    if {$wait} {wait_readable $fd}
    set line [read_line $fd]
    set type [string index $line 0]
    set rest [string range $line 1 end]
    switch -exact -- $type {
        + - - - : - "#" - , - ( {return [list $type $rest]}
        _ {return [list nil {}]}
        = - "\$" {
            if {$rest == -1} {return [list nil {}]}
            return [list $type [read_bulk $fd $rest]]
        }
        * {
            if {$rest == -1} {return [list nil {}]}
            return [list * [read_many $fd $rest]]
        }
        ~ - > {return [list $type [read_many $fd $rest]]}
        % {return [list % [read_many $fd [expr {2 * $rest}]]]}
        default {error "a reply begins with '$line'"}
    }
}

proc resp::plain {reply} {
    lassign $reply type value
    switch -exact -- $type {
        - {return -code error $value}
        * - % - ~ - > {
            set out {}
            foreach item $value {
                if {[lindex $item 0] eq "-"} {
                    lappend out "-[lindex $item 1]"
                } else {
                    lappend out [plain $item]
                }
            }
            return $out
        }
        default {return $value}
    }
}

proc resp::typed {reply} {
    lassign $reply type value
    switch -exact -- $type {
        nil {return nil}
        * {return "\[[join [lmap item $value {typed $item}] { }]\]"}
        % {return "%[join [lmap item $value {typed $item}] { }]"}
        ~ - > {return "$type[join [lmap item $value {typed $item}] { }]"}
        default {return "$type$value"}
    }
}
