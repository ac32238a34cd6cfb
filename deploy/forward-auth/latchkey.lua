-- Asks Latchkey whether a request may pass, and whose it is.
-- http-request lua.latchkey http://ADDRESS-OF-LATCHKEY SCHEME-OF-THE-APP

local identity = {
    "remote-user", "remote-name", "remote-email", "remote-groups", "latchkey-assertion",
}

-- What the answer depends on, and nothing else of the request.
local asked = {
    "authorization", "cookie", "accept", "accept-language", "user-agent", "sec-fetch-mode", "sec-fetch-dest",
    "upgrade",
}

core.register_action("latchkey", { "http-req" }, function(txn, latchkey, scheme)
    local request = txn.http:req_get_headers()
    local host = txn.sf:req_hdr("host") or ""
    -- With a / or a ? in it, the address would name another path than the app sees.
    if host:find("[^%w%.%-:%[%]]") then
        txn:done(txn:reply { status = 400 })
        return
    end
    local headers = {
        ["x-original-url"] = { scheme .. "://" .. host .. txn.sf:pathq() },
        ["x-original-method"] = { txn.sf:method() },
        ["x-forwarded-for"] = { txn.sf:src() },
    }
    for _, name in ipairs(asked) do
        if request[name] then
            local values = {}
            for _, value in pairs(request[name]) do table.insert(values, value) end
            headers[name] = values
        end
    end
    local answer = core.httpclient():get {
        url = latchkey .. "/authz/auth-request", headers = headers, timeout = 5000,
    }
    local function first(name)
        return answer.headers and answer.headers[name] and answer.headers[name][0] or ""
    end

    if answer.status == 200 then
        -- All of them, always: they replace what the client made up.
        for _, name in ipairs(identity) do
            txn.http:req_set_header(name, first(name))
        end
        return
    end
    local status = answer.status
    if not status or status == 0 then status = 503 end
    local reply = txn:reply { status = status, body = answer.body }
    reply:add_header("content-type", "text/html; charset=utf-8")
    reply:add_header("cache-control", "no-store")
    if status == 401 and first("location") ~= "" then
        reply:set_status(302)
        reply:add_header("location", first("location"))
        reply:add_header("set-cookie", first("set-cookie"))
    end
    txn:done(reply)
end, 2)
