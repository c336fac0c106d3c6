using System.CommandLine;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Output;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Cli.Commands;

/// <summary>
/// <c>handwritten subtitle</c>: subtitles for videos, in a file beside each, as a track within a copy of it, or drawn into
/// the picture.
/// </summary>
internal sealed class SubtitleCommand : Command
{
    private readonly Argument<string[]> _videos = new("VIDEO")
    {
        Description = "The videos, in any format that ffmpeg reads: files, or patterns such as 'talks/*.mp4'.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<bool> _mux = Define.Flag("--mux", "Write a copy of the video with the subtitles as a track; picture and sound are not encoded anew.");

    private readonly Option<bool> _burn = Define.Flag("--burn", "Write a copy of the video with the subtitles drawn into the picture.");

    private readonly Option<string> _format = Define.Choice("--output-format", "The format of subtitles in a file of their own.", "srt", "vtt");

    private readonly Option<string?> _output = Define.Text("--output",
        "The file to write. [default: beside the video, talk.srt or talk.subtitled.mp4]", "FILE", "-o");

    private readonly Option<bool> _overwrite = Define.Flag("--overwrite", "Replace a file of that name.");

    private readonly ModelOptions _model = new();

    private readonly DecodingSettings _decoding = new();

    private readonly BatchingSettings _batching = new();

    private readonly LayoutOptions _layout = new();

    private readonly Option<bool> _verbose = Define.Flag("--verbose", "Print the segments.", initially: true);

    private readonly Option<bool> _quiet = Define.Flag("--quiet", "Print nothing but segments and failures.");

    /// <summary>The command.</summary>
    public SubtitleCommand()
        : base("subtitle", "Write subtitles for videos, or into them.")
    {
        Add(_videos);
        foreach (Option option in new Option[] { _mux, _burn, _format, _output, _overwrite })
        {
            Add(option);
        }

        _model.AddTo(this);
        _decoding.AddTo(this);
        _batching.AddTo(this);
        _layout.AddTo(this);
        Add(_verbose);
        Add(_quiet);
        SetAction((parsed, cancellation) => Task.FromResult((int)Run(parsed, cancellation)));
    }

    private ExitCode Run(ParseResult parsed, CancellationToken cancellation)
    {
        string[] videos = [.. parsed.GetRequiredValue(_videos).SelectMany(RecordingFiles.Named).DistinctBy(RecordingInputs.PlaceOf)];
        Dictionary<string, string> outputs = Outputs(parsed, videos);
        TranscriptionOptions options = _batching.Read(parsed, _decoding);
        if (parsed.GetValue(_burn))
        {
            RequirePictures(videos, cancellation);
        }

        Narrator narrator = new(parsed.GetValue(_verbose), parsed.GetValue(_quiet));
        WriterOptions layout = _layout.Read(parsed, options.WordTimestamps, narrator.Tell);
        using RecordingLoop loop = new(_model, parsed, RecordingInputs.LoadFile);
        Func<AudioClip, string, Transcript> transcribe = DecodingSettings.Transcription(options, loop, narrator, cancellation);
        return loop.Run(videos, (video, clip) =>
        {
            Transcript transcript = transcribe(clip, video);
            // The text of a translation is English, whatever was spoken.
            transcript = options.Decoding.Task == SpeechTask.Translate ? transcript with { Language = "en" } : transcript;
            Write(parsed, video, outputs[video], transcript, layout, cancellation);
            narrator.Tell($"{clip.Source.Name}: subtitles are in '{outputs[video]}'.");
        }, cancellation);
    }

    private void Write(ParseResult parsed, string video, string output, Transcript transcript, WriterOptions layout, CancellationToken cancellation)
    {
        SubtitledVideo writer = new(Ffmpeg.OnPath);
        if (parsed.GetValue(_mux))
        {
            writer.AddTrack(video, output, transcript, layout, cancellation);
        }
        else if (parsed.GetValue(_burn))
        {
            writer.Draw(video, output, transcript, layout, cancellation);
        }
        else
        {
            TranscriptFiles.Write(output, TranscriptWriters.Named(Format(output))[0], transcript, layout);
        }
    }

    /// <summary>What to write for each video; what would fail at the end fails here.</summary>
    private Dictionary<string, string> Outputs(ParseResult parsed, string[] videos)
    {
        bool mux = parsed.GetValue(_mux), burn = parsed.GetValue(_burn);
        string? output = parsed.GetValue(_output);
        if (mux && burn)
        {
            throw new UsageException($"{_mux.Name} adds a track and {_burn.Name} draws into the picture: give only one of them.");
        }

        if ((mux || burn) && parsed.GetResult(_format) is { Implicit: false })
        {
            throw new UsageException($"{_format.Name} is for subtitles in a file of their own: leave it out with {_mux.Name} and {_burn.Name}.");
        }

        if (output is not null && videos.Length > 1)
        {
            throw new UsageException($"{_output.Name} is one file, but there are {videos.Length} videos: give them one by one.");
        }

        if (videos.Contains(AudioFile.StandardInput))
        {
            throw new UsageException("VIDEO must be a file, since ffmpeg reads it twice: standard input can only be transcribed.");
        }

        Dictionary<string, string> outputs = videos.ToDictionary(video => video, video => output ?? (mux || burn ? VideoBeside(video) : Beside(video, parsed.GetRequiredValue(_format))));
        if (outputs.GroupBy(pair => Path.GetFullPath(pair.Value)).FirstOrDefault(group => group.Count() > 1) is { } same)
        {
            throw new UsageException($"'{same.First().Key}' and '{same.Last().Key}' would both be written to '{same.First().Value}': give them one by one, with {_output.Name}.");
        }

        foreach ((string video, string path) in outputs)
        {
            RequireWritable(parsed, video, path, mux || burn);
        }

        return outputs;
    }

    private void RequireWritable(ParseResult parsed, string video, string output, bool isVideo)
    {
        if (isVideo && !SubtitledVideo.Endings.Contains(Path.GetExtension(output), StringComparer.OrdinalIgnoreCase))
        {
            throw new UsageException($"{_output.Name} must end in {string.Join(", ", SubtitledVideo.Endings)} to take subtitles, but it is '{output}'.");
        }

        if (!isVideo && Format(output) is not ("srt" or "vtt"))
        {
            throw new UsageException($"{_output.Name} must end in .srt or .vtt, but it is '{output}': give {_mux.Name} or {_burn.Name} to write a video.");
        }

        if (Path.GetFullPath(output) == Path.GetFullPath(video))
        {
            throw new UsageException($"'{output}' is the video itself: choose another {_output.Name}.");
        }

        if (File.Exists(output) && !parsed.GetValue(_overwrite))
        {
            throw new OutputException($"'{output}' is there already: give {_overwrite.Name} to replace it, or another {_output.Name}.");
        }

        if (File.Exists(video))
        {
            TranscriptFiles.PrepareFolder(Path.GetDirectoryName(Path.GetFullPath(output))!);
        }
    }

    private void RequirePictures(string[] videos, CancellationToken cancellation)
    {
        SubtitledVideo writer = new(Ffmpeg.OnPath);
        if (Array.Find(videos, video => File.Exists(video) && !writer.CanDrawInto(video, cancellation)) is { } sound)
        {
            throw new UsageException($"'{sound}' has no picture to draw subtitles into: leave {_burn.Name} out, or give {_mux.Name} for a track.");
        }
    }

    private static string Format(string output) => Path.GetExtension(output).TrimStart('.').ToLowerInvariant();

    private static string Beside(string video, string ending) => Path.ChangeExtension(video, ending);

    // A container that takes no subtitles becomes one that takes everything.
    private static string VideoBeside(string video)
    {
        string ending = Path.GetExtension(video);
        return Path.ChangeExtension(video, "subtitled" + (SubtitledVideo.Endings.Contains(ending, StringComparer.OrdinalIgnoreCase) ? ending : ".mkv"));
    }
}
