using System.Globalization;
using System.Text.RegularExpressions;

namespace Handwritten.Runtime.Audio;

/// <summary>
/// What ffmpeg says on its standard error, as far as it tells about the recording. With <c>-loglevel level+info</c>
/// each line bears its level, so that complaints can be told from chatter whatever their words:
/// <code>
///     [info] Input #0, flac, from 'file:talk.flac':
///     [info]   Duration: 00:01:23.79, start: 0.000000, bitrate: 45 kb/s
///     [info]   Stream #0:0: Audio: flac, 44100 Hz, stereo, s16
///     [info] Stream mapping:
///     [info]   Stream #0:0 -> #0:0 (flac (native) -> pcm_s16le (native))
///     [flac @ 0x55e73fb68dc0] [error] invalid residual
/// </code>
/// </summary>
internal sealed partial class FfmpegLog
{
    private readonly Dictionary<string, string> _streams = [];
    private bool _isAboutOutput;
    private bool _hasWarnings;
    private bool _isDurationGuessed;
    private string? _chosen;

    /// <summary>The last line of level error or worse, without the level and what stands before it.</summary>
    public string? LastError { get; private set; }

    /// <summary>The length that the file claims to have, in seconds, if it claims any.</summary>
    public double? DeclaredSeconds { get; private set; }

    /// <summary>The codec of the audio stream, such as <c>flac</c>.</summary>
    public string? Codec => AudioStream is { Success: true } match ? match.Groups["codec"].Value : null;

    /// <summary>The sample rate of the audio stream in Hz.</summary>
    public int? SampleRate => AudioStream is { Success: true } match ? int.Parse(match.Groups["rate"].Value, CultureInfo.InvariantCulture) : null;

    /// <summary>The number of channels of the audio stream.</summary>
    public int? Channels => AudioStream is { Success: true } match ? ChannelsOf(match.Groups["layout"].Value) : null;

    /// <summary>Whether the file was understood, and has pictures or subtitles but no sound.</summary>
    public bool HasOnlyOtherStreams => _streams.Count > 0 && !_streams.Values.Any(AudioPattern().IsMatch);

    private Match? AudioStream => _streams.GetValueOrDefault(_chosen ?? "") is string line ? AudioPattern().Match(line) : null;

    /// <summary>Reads all lines.</summary>
    public void ReadFrom(TextReader standardError)
    {
        while (standardError.ReadLine() is string line)
        {
            Take(line);
        }
    }

    /// <summary>
    /// Whether a file that gave so many seconds of sound has lost its end. It must announce more, and ffmpeg must
    /// have found something wrong with it: in some formats pauses take no samples. Where there are other streams, the
    /// announced length may be theirs.
    /// </summary>
    public bool IsCutOff(double seconds) =>
        _hasWarnings && !_isDurationGuessed && _streams.Count == 1 && seconds < DeclaredSeconds - 1;

    private void Take(string line)
    {
        if (LevelPattern().Match(line) is not { Success: true } match)
        {
            return;
        }

        string text = match.Groups["text"].Value;
        switch (match.Groups["level"].Value)
        {
            // What follows from an error names no cause: "Error opening output files: Invalid argument".
            case "panic" or "fatal" or "error" when !text.StartsWith("Error opening output file", StringComparison.Ordinal) && text != "Conversion failed!":
                (LastError, _hasWarnings) = (text, true);
                break;
            case "warning":
                _hasWarnings = true;
                _isDurationGuessed |= text.StartsWith("Estimating duration from bitrate", StringComparison.Ordinal);
                break;
            case "info":
                Describe(text);
                break;
        }
    }

    private void Describe(string text)
    {
        _isAboutOutput |= text.StartsWith("Output #", StringComparison.Ordinal);
        if (MappingPattern().Match(text) is { Success: true } mapping)
        {
            _chosen ??= mapping.Groups["stream"].Value;
        }
        else if (!_isAboutOutput && !text.EndsWith("(attached pic)", StringComparison.Ordinal) && StreamPattern().Match(text) is { Success: true } stream)
        {
            _streams[stream.Groups["stream"].Value] = stream.Groups["what"].Value;
        }
        else if (DurationPattern().Match(text) is { Success: true } duration)
        {
            DeclaredSeconds = (3600 * Number(duration, "hours")) + (60 * Number(duration, "minutes")) + Number(duration, "seconds");
        }
    }

    private static double Number(Match match, string group) => double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    /// <summary>ffmpeg's names of channel layouts: mono, stereo, 5.1(side), 12 channels, ...</summary>
    private static int? ChannelsOf(string layout)
    {
        if (LayoutPattern().Match(layout) is { Success: true } match)
        {
            // The digits before and after the point count speakers: "5.1" are six, "7.1.4" twelve.
            return match.Groups["count"].Value.Split('.').Sum(digits => int.Parse(digits, CultureInfo.InvariantCulture));
        }

        return layout switch
        {
            "mono" => 1,
            "stereo" or "downmix" => 2,
            "quad" => 4,
            _ => null,
        };
    }

    [GeneratedRegex(@"^(\[(?!panic|fatal|error|warning|info)[^\]]*\] )*\[(?<level>panic|fatal|error|warning|info)\] (?<text>.*\S)")]
    private static partial Regex LevelPattern();

    [GeneratedRegex(@"^ *Stream #(?<stream>\d+:\d+)[^ ]*: (?<what>.*)")]
    private static partial Regex StreamPattern();

    [GeneratedRegex(@"^ *Stream #(?<stream>\d+:\d+) -> ")]
    private static partial Regex MappingPattern();

    [GeneratedRegex(@"^ *Duration: (?<hours>\d+):(?<minutes>\d+):(?<seconds>\d+\.\d+),")]
    private static partial Regex DurationPattern();

    [GeneratedRegex(@"^Audio: (?<codec>\w+).*?, (?<rate>\d{1,9}) Hz, (?<layout>[^,]+)")]
    private static partial Regex AudioPattern();

    [GeneratedRegex(@"^(?<count>\d{1,4}(\.\d{1,2})*)( channels|\(.*\))?$")]
    private static partial Regex LayoutPattern();
}
