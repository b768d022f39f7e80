using System.Globalization;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Http;

/// <summary>What the lists that come page by page are asked: <c>limit</c> and <c>cursor</c>.</summary>
internal static class Paging
{
    private const int DefaultSize = 100;
    private const int MaxSize = 500;

    /// <summary>How many to a page; null after 400 has been answered.</summary>
    public static async ValueTask<int?> ReadLimitAsync(this HttpContext http)
    {
        int limit = DefaultSize;
        if ((string?)http.Request.Query["limit"] is { } text
            && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > MaxSize))
        {
            await http.Response.BadFieldAsync(("limit", $"must be a whole number from 1 to {MaxSize}"));
            return null;
        }
        return limit;
    }

    /// <summary>Below which id a page begins that is ordered by it, the highest first; null after 400 has been answered.</summary>
    public static async ValueTask<long?> ReadIdCursorAsync(this HttpContext http)
    {
        long before = long.MaxValue;
        if ((string?)http.Request.Query["cursor"] is { } cursor
            && !long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out before))
        {
            await http.Response.BadFieldAsync(("cursor", "must be the next_cursor of another page"));
            return null;
        }
        return before;
    }

    /// <summary>A miner's id from the address, which may be missing; false after 400 has been answered.</summary>
    public static async ValueTask<bool> IsMinerIdAsync(this HttpContext http, string name, string? given, string problem)
    {
        if (given is null || Texts.IsMinerId(given))
        {
            return true;
        }
        await http.Response.BadFieldAsync((name, problem));
        return false;
    }
}
